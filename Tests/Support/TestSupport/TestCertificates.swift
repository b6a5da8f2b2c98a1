/// Certificates for 127.0.0.1, good until 2126 and for nothing but tests: their keys are public.
package enum TestCertificates {
    /// Signed `node` and `stranger`.
    package static let ca = """
        -----BEGIN CERTIFICATE-----
        MIIBejCCASGgAwIBAgIUfUCMrhEu/AmbAD++eZbKCzr7z2IwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjEwODQwMjRaGA8yMTI2MTAyODA4
        NDAyNFowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH
        A0IABCCP1r5BMBE/6rRJ6Ha7zGDfjy1nENtArnl3njUQAOuZ1En1vKQEad3HeJj7
        R4QlPlEywC+d64kDVzOk9lqNAnmjUzBRMB0GA1UdDgQWBBTfxsECHNPLOXO2M0kj
        W7V4KNArZzAfBgNVHSMEGDAWgBTfxsECHNPLOXO2M0kjW7V4KNArZzAPBgNVHRMB
        Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCICtN/MVuDE36T+o0KLk6z59s1jAk
        5G7K1+mepqxStgGAAiBNqpovFncQMv1cS7rYb5YzQoW71oSeOkDCROMN3BbEmA==
        -----END CERTIFICATE-----
        """

    /// Signed `renewed`.
    package static let otherCA = """
        -----BEGIN CERTIFICATE-----
        MIIBgDCCASegAwIBAgIUCIrQwI0mZ7saFoz5Q/PQEah3MQEwCgYIKoZIzj0EAwIw
        FTETMBEGA1UEAwwKQW5vdGhlciBDQTAgFw0yNjExMjEwODQwMjRaGA8yMTI2MTAy
        ODA4NDAyNFowFTETMBEGA1UEAwwKQW5vdGhlciBDQTBZMBMGByqGSM49AgEGCCqG
        SM49AwEHA0IABDwBFlad4QbHR1dAGejQerEi/MFa+H2afFYQJ3ft9KiK285iVUn9
        gAakfLKmmTUnwyVM0b9qDmr/9PvDELEtUBqjUzBRMB0GA1UdDgQWBBSM93lH26+H
        oMzclu1PcGyN5JgAMzAfBgNVHSMEGDAWgBSM93lH26+HoMzclu1PcGyN5JgAMzAP
        BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIEChpGqums8FJXBlYMq8
        kq7EHxzlycjhwVoI1a5RGDWtAiB9UVySzt74WWykjClMZX6ojP8JVRJCsinxZmK3
        2xbfWA==
        -----END CERTIFICATE-----
        """

    /// For 127.0.0.1 and localhost.
    package static let node = (
        chain: """
        -----BEGIN CERTIFICATE-----
        MIIBgzCCASmgAwIBAgIUYw2IQ0CcIw89XXzcTPdLf/2A8RcwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjEwODQwMjRaGA8yMTI2MTAyODA4
        NDAyNFowDzENMAsGA1UEAwwEbm9kZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
        BL8KYdv/0MN/RQX4RxqvPQ1H47myR7wUsFhLQ8I7Jdsad1nnChjBgOg2tolns8Bm
        LP56XnsNejXP74Nc97Ki4NqjXjBcMBoGA1UdEQQTMBGHBH8AAAGCCWxvY2FsaG9z
        dDAdBgNVHQ4EFgQUfb6QibzPAR9wFtUuO/leilOVIO4wHwYDVR0jBBgwFoAU38bB
        AhzTyzlztjNJI1u1eCjQK2cwCgYIKoZIzj0EAwIDSAAwRQIgViGjs4HtBqhpEa04
        mRZb/oFrToY+CXNGpMEctMdBdrMCIQCm3avr7ILar+oIVKX09uuvjkRhs3jX3uKs
        kcXq05fk7w==
        -----END CERTIFICATE-----
        """,
        key: """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg09nE5OqFvIusPNsN
        2vQ2dXg6qPcwZTX3sB7Ahv9LdSOhRANCAAS/CmHb/9DDf0UF+Ecarz0NR+O5ske8
        FLBYS0PCOyXbGndZ5woYwYDoNraJZ7PAZiz+el57DXo1z++DXPeyouDa
        -----END PRIVATE KEY-----
        """
    )

    /// For another host.
    package static let stranger = (
        chain: """
        -----BEGIN CERTIFICATE-----
        MIIBiTCCAS+gAwIBAgIUYw2IQ0CcIw89XXzcTPdLf/2A8RgwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjEwODQwMjRaGA8yMTI2MTAyODA4
        NDAyNFowEzERMA8GA1UEAwwIc3RyYW5nZXIwWTATBgcqhkjOPQIBBggqhkjOPQMB
        BwNCAASjFpK8bIp1M5w0HKRa4Q7d0zM0h+fl397Lijxm/GAjx9NJFkcmHnXpiauB
        AR1Fih++eOzDJ8q3uh+1kKFO/E2eo2AwXjAcBgNVHREEFTATghFlbHNld2hlcmUu
        ZXhhbXBsZTAdBgNVHQ4EFgQUAbBN5OrfDc0BfhURKot5W3jyR1swHwYDVR0jBBgw
        FoAU38bBAhzTyzlztjNJI1u1eCjQK2cwCgYIKoZIzj0EAwIDSAAwRQIhAIVZmLvs
        nb3wyxGI1XcwJoO14TvJ3ogaVe3wLQkf8WDdAiBNg+6jOJ7SOKxWmyOlLqr/RswE
        AuA+lEIjEveDHB5Jkw==
        -----END CERTIFICATE-----
        """,
        key: """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpl9Hl3v588s8gnBy
        e6xdup3bGwi8XeITXRh/EAgCzYuhRANCAASjFpK8bIp1M5w0HKRa4Q7d0zM0h+fl
        397Lijxm/GAjx9NJFkcmHnXpiauBAR1Fih++eOzDJ8q3uh+1kKFO/E2e
        -----END PRIVATE KEY-----
        """
    )

    /// For 127.0.0.1, by the other CA.
    package static let renewed = (
        chain: """
        -----BEGIN CERTIFICATE-----
        MIIBfzCCASSgAwIBAgIULo39/6dBhfMiMTqivsfwAdrrcDIwCgYIKoZIzj0EAwIw
        FTETMBEGA1UEAwwKQW5vdGhlciBDQTAgFw0yNjExMjEwODQwMjRaGA8yMTI2MTAy
        ODA4NDAyNFowEjEQMA4GA1UEAwwHcmVuZXdlZDBZMBMGByqGSM49AgEGCCqGSM49
        AwEHA0IABHdZAbOU4tnCvuuw3lgVb3Z9NoT9tZfYeXfHOWbJXC+oeTO0ffM2jPPr
        Uu6QWJ3FvM8kA0/4a38FsTNdC0BXYJWjUzBRMA8GA1UdEQQIMAaHBH8AAAEwHQYD
        VR0OBBYEFENNcu1FfwsI9xVX1fGE9jQQuvnLMB8GA1UdIwQYMBaAFIz3eUfbr4eg
        zNyW7U9wbI3kmAAzMAoGCCqGSM49BAMCA0kAMEYCIQCihb6W5H9ekWqiyYOI4NNs
        5h1YLzD3jKyQO0LI/uQEJQIhAJawKkuxb2laLiYMVkrkon/3/LXXpVASS+b8b0RG
        rfSY
        -----END CERTIFICATE-----
        """,
        key: """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvztDl5P0V2KVt87y
        JycgYYRgJLevxYAr13b8Dc8UH5yhRANCAAR3WQGzlOLZwr7rsN5YFW92fTaE/bWX
        2Hl3xzlmyVwvqHkztH3zNozz61LukFidxbzPJANP+Gt/BbEzXQtAV2CV
        -----END PRIVATE KEY-----
        """
    )
}
