import Foundation


import struct NIOCore.ByteBuffer

/// Frames as real encoders make them: testsrc at 64 × 48 and a sine, by ffmpeg 5.1 with libx265, libvpx, libaom and libopus.
enum CodedFrames {
    static let h265 = frames([
        """
        AAAAF0ABDAH//wQIAAADAJ4IAAADAAAekoCQAAAAK0IBAQQIAAADAJ4IAAADAAAekAQQYsslXJleAtwICAAQAAADABAAAAMAoIAA
        AAAIRAHBcxgxCJAAAAjoTgEF///////////jLKLeCbUXR9u7VaT+f8L8TngyNjUgKGJ1aWxkIDE5OSkgLSAzLjUrMS1mMGMxMDIy
        YjY6W0xpbnV4XVtHQ0MgMTIuMi4wXVs2NCBiaXRdIDhiaXQrMTBiaXQrMTJiaXQgLSBILjI2NS9IRVZDIGNvZGVjIC0gQ29weXJp
        Z2h0IDIwMTMtMjAxOCAoYykgTXVsdGljb3Jld2FyZSwgSW5jIC0gaHR0cDovL3gyNjUub3JnIC0gb3B0aW9uczogY3B1aWQ9MTEx
        MTAzOSBmcmFtZS10aHJlYWRzPTEgbm8td3BwIG5vLXBtb2RlIG5vLXBtZSBuby1wc25yIG5vLXNzaW0gbG9nLWxldmVsPS0xIGJp
        dGRlcHRoPTggaW5wdXQtY3NwPTMgZnBzPTEwLzEgaW5wdXQtcmVzPTY0eDQ4IGludGVybGFjZT0wIHRvdGFsLWZyYW1lcz0wIGxl
        dmVsLWlkYz0wIGhpZ2gtdGllcj0xIHVoZC1iZD0wIHJlZj0zIG5vLWFsbG93LW5vbi1jb25mb3JtYW5jZSByZXBlYXQtaGVhZGVy
        cyBhbm5leGIgbm8tYXVkIG5vLWhyZCBpbmZvIGhhc2g9MCBuby10ZW1wb3JhbC1sYXllcnMgb3Blbi1nb3AgbWluLWtleWludD0z
        IGtleWludD0zMCBnb3AtbG9va2FoZWFkPTAgYmZyYW1lcz0wIGItYWRhcHQ9MiBuby1iLXB5cmFtaWQgYmZyYW1lLWJpYXM9MCBy
        Yy1sb29rYWhlYWQ9MjAgbG9va2FoZWFkLXNsaWNlcz0wIHNjZW5lY3V0PTQwIGhpc3Qtc2NlbmVjdXQ9MCByYWRsPTAgbm8tc3Bs
        aWNlIG5vLWludHJhLXJlZnJlc2ggY3R1PTMyIG1pbi1jdS1zaXplPTggbm8tcmVjdCBuby1hbXAgbWF4LXR1LXNpemU9MzIgdHUt
        aW50ZXItZGVwdGg9MSB0dS1pbnRyYS1kZXB0aD0xIGxpbWl0LXR1PTAgcmRvcS1sZXZlbD0wIGR5bmFtaWMtcmQ9MC4wMCBuby1z
        c2ltLXJkIHNpZ25oaWRlIG5vLXRza2lwIG5yLWludHJhPTAgbnItaW50ZXI9MCBuby1jb25zdHJhaW5lZC1pbnRyYSBzdHJvbmct
        aW50cmEtc21vb3RoaW5nIG1heC1tZXJnZT0zIGxpbWl0LXJlZnM9MSBuby1saW1pdC1tb2RlcyBtZT0xIHN1Ym1lPTIgbWVyYW5n
        ZT01NyB0ZW1wb3JhbC1tdnAgbm8tZnJhbWUtZHVwIG5vLWhtZSB3ZWlnaHRwIG5vLXdlaWdodGIgbm8tYW5hbHl6ZS1zcmMtcGlj
        cyBkZWJsb2NrPTA6MCBzYW8gbm8tc2FvLW5vbi1kZWJsb2NrIHJkPTMgc2VsZWN0aXZlLXNhbz00IGVhcmx5LXNraXAgcnNraXAg
        bm8tZmFzdC1pbnRyYSBuby10c2tpcC1mYXN0IG5vLWN1LWxvc3NsZXNzIGItaW50cmEgbm8tc3BsaXRyZC1za2lwIHJkcGVuYWx0
        eT0wIHBzeS1yZD0yLjAwIHBzeS1yZG9xPTAuMDAgbm8tcmQtcmVmaW5lIG5vLWxvc3NsZXNzIGNicXBvZmZzPTYgY3JxcG9mZnM9
        NiByYz1jcmYgY3JmPTI4LjAgcWNvbXA9MC42MCBxcHN0ZXA9NCBzdGF0cy13cml0ZT0wIHN0YXRzLXJlYWQ9MCBpcHJhdGlvPTEu
        NDAgYXEtbW9kZT0yIGFxLXN0cmVuZ3RoPTEuMDAgY3V0cmVlIHpvbmUtY291bnQ9MCBuby1zdHJpY3QtY2JyIHFnLXNpemU9MzIg
        bm8tcmMtZ3JhaW4gcXBtYXg9NjkgcXBtaW49MCBuby1jb25zdC12YnYgc2FyPTEgb3ZlcnNjYW49MCB2aWRlb2Zvcm1hdD01IHJh
        bmdlPTEgY29sb3JwcmltPTIgdHJhbnNmZXI9MiBjb2xvcm1hdHJpeD0wIGNocm9tYWxvYz0wIGRpc3BsYXktd2luZG93PTAgY2xs
        PTAsMCBtaW4tbHVtYT0wIG1heC1sdW1hPTI1NSBsb2cyLW1heC1wb2MtbHNiPTggdnVpLXRpbWluZy1pbmZvIHZ1aS1ocmQtaW5m
        byBzbGljZXM9MSBuby1vcHQtcXAtcHBzIG5vLW9wdC1yZWYtbGlzdC1sZW5ndGgtcHBzIG5vLW11bHRpLXBhc3Mtb3B0LXJwcyBz
        Y2VuZWN1dC1iaWFzPTAuMDUgaGlzdC10aHJlc2hvbGQ9MC4wMyBuby1vcHQtY3UtZGVsdGEtcXAgbm8tYXEtbW90aW9uIG5vLWhk
        cjEwIG5vLWhkcjEwLW9wdCBuby1kaGRyMTAtb3B0IG5vLWlkci1yZWNvdmVyeS1zZWkgYW5hbHlzaXMtcmV1c2UtbGV2ZWw9MCBh
        bmFseXNpcy1zYXZlLXJldXNlLWxldmVsPTAgYW5hbHlzaXMtbG9hZC1yZXVzZS1sZXZlbD0wIHNjYWxlLWZhY3Rvcj0wIHJlZmlu
        ZS1pbnRyYT0wIHJlZmluZS1pbnRlcj0wIHJlZmluZS1tdj0xIHJlZmluZS1jdHUtZGlzdG9ydGlvbj0wIG5vLWxpbWl0LXNhbyBj
        dHUtaW5mbz0wIG5vLWxvd3Bhc3MtZGN0IHJlZmluZS1hbmFseXNpcy10eXBlPTAgY29weS1waWM9MSBtYXgtYXVzaXplLWZhY3Rv
        cj0xLjAgbm8tZHluYW1pYy1yZWZpbmUgbm8tc2luZ2xlLXNlaSBuby1oZXZjLWFxIG5vLXN2dCBuby1maWVsZCBxcC1hZGFwdGF0
        aW9uLXJhbmdlPTEuMDAgc2NlbmVjdXQtYXdhcmUtcXA9MGNvbmZvcm1hbmNlLXdpbmRvdy1vZmZzZXRzIHJpZ2h0PTAgYm90dG9t
        PTAgZGVjb2Rlci1tYXgtcmF0ZT0wIG5vLXZidi1saXZlLW11bHRpLXBhc3OAAAACOCgBrxGAvkygiv/2Xb4QvuHxkMxELLbECQJD
        bKA4WNf//GVEdGC3v//UkgE3sdNZytCK8OlOQ4tGcUlcMp0HrqRDLyWEwmlU9kv9LOSHMmYQMO2nixYYGW/Blfd2gOKsVyOZDqfa
        /z4DlgWxD7QINUOlYXj3s7lC708vx7nMAEcAa19jg1f6a+TL1sRyWGuQNIE3BZfdmjYfGYB+q2535GY5hksst53BPjDTgxOknXec
        jviku+TssBVj+Lh8OhY48QYaS7tC88fVyo6IgoFbSGHJEiTy9x2sQKX6n/IfmTnB19aAIVcrzDydGRgmvLK2dkdISfQ371COB15v
        VUZvFfdH7DPNaXfoTPVQ8QnELsav2u/X8pFkG7NFpwYIPLi1P4FvSsS/3YdKcN4qYyZYsxYLjIRANCmrxCvX3NGgggig2+hc8Bbj
        CeD8gDg5KB6KNWZz+pTz6PxdTR9YoOpdUfpnodYYO4+BJo1h6DTpLUYnl6sQvQAWcwM2khJCFa6z5TT0NrqH8BrmFlfX9fFj4BqX
        i60PDVx6B8qAVYgyH+jGkp3dUXRwArEzp0FETi2RYHphkrGV1Xkzz2Nnh60M0VoT5eVSVVvbKobWwfeinqjYIEnYuj7bfw4dswp5
        IbnB3JZRSRpJ4RhALBkknSvVUAsT5/TgOvWqduT3oPX7NNsH9XJN9kjEgadwS6VuaCBJonpeP13qhYgyN76YWlHyMbqRGykTx/R3
        Vj3J5BmKhLNrqULrZVb/rUg=
        """,
        """
        AAAAMgIB0Al+EMYjLa+Qz/+Hjd//76w6q09ZNIFJSN+yQfnuRvRhxSTZRuSGl4oN6V2fwM+U
        """,
        """
        AAAAPAIB0BH/1EMGIVv//pogz/+INf/++oxCUKWhZyHw/lMAnT53eKBywvvDdnTcDsA0JcUG+iD3tFUupO8a4A==
        """,
    ])

    static let vp8 = frames([
        """
        UBoAnQEqQAAwAABHCIWFiIWEiAICAnW6JO1+F/hb+r3wE0h+NfYn9WcsX4T/l/5Gf0v2AfwB7AH9Af43+D3AB/SH+v/xrhAf7t/V
        esB9AH9d/Rk/p390+Dv9U/81/d/gK/i38i+f/SAezL+sfht0GnrXk6PtH46aJT+a/jZlmXyL+xfkBowGvQ/xn2A/CronePv+B/Pf
        gL/g/8k/wn5S/3L//8oD+h3FDXkVnmASaSI3wNa7Zx721QzDSk9anyJc160+ZX3ND54F0B3v8WMHDLPQwkkM/reVG+1MAP7/8W4D
        wb+Vwb8/WsNO8nuQxcBs5lkwvDWreNPbqzdwvVIMTi8ypVt/k8kO7kSVeI7kaLgf/HS6kitDaXF60e2VXh+xDHzTMkKPQxyytcL4
        zZiQZgh5QdVCwPrn6CdYFJVlmntGbx+oiROx6Ceb7SAWImWa3JrcjeghVTysQIzXKUV7tAEJ48xgnfo7HrqtZJRs5ZMcLkqi0Uec
        c6KLqKn//nm9dQaL77DZPlDPCceP6jzmu0KcS9B9pQ47QYMC6d8I5wrWiPyZa2sqjILRHEdOSdi4mYF3z3RBkf6avPOdmC+xKPdg
        kpMGM2nzV8v7AME/jDaznUx1/4aY53DG//jStv7Xv/VjDof+WuwZqVcXHTBP69m88S9vOg9LeINcGWJ66FnqUwmn355jBxVG8r8R
        eVmng2UZkuLBKtDOQ2PyfP9VK//9kFScuOLR6gx9Z1P4NieIAbsh4Absh4BODQTeoKych+HkcvPBSXBAQ0FYAQrQAQrQUZ/8ujDP
        +CPSZmCF/+lbpGDnS6SS00/YhqIpVFPRMiJG91t+TitnP38DZdpl2V9a1osAUY9FTmeUbZKcY2nxNZgt2NCQJH//1l/Re0C7xhKJ
        s58EB4cHMKGkUO2V/yn/vUMx/de17nVdc7//bQ7qCPJorcJeZGWwn4s5ac7FwKyNCBfQkqOzt/GmGCz+2Fo7Pw0kq944oNpC8+Zs
        y/4HQ0J+KNTGj3h464cb//ocrCeOapdhDrueO/d7TFKwX9ENz95NI1S3rKDH4N2+P4PEm4SR4hDFloWtvZ6cCTwHj2rFRRyDwylP
        0/4m9GbXZQ8YHkFIi90Yl0vYGXFc7/2g09IdJaKGSCNcEyMMOgLIiToRAQZHZ+tsAoM35FlLkO/JlFpL9XIFyUUZHuggRLFEOzun
        BMMSVXn+0eq1uoXzivMJ6uJkLd7MgpfzcH+63E5GiRy07mARj0EauAQ1NRajbl7MExz19tXpT/0vuZvpYbw9d5AgqP6DTVn47TPM
        Z3I8PpCPDXvmnT1/G4nmrKdHEuYhP//PwtCD8G+lwwyK2rVOMx3vGHgeWb/ziFY/sS8p74sm8+cQrSCJHbar5y2KW+aGGLpy/5po
        Y0S2rROK8atP6MCsmV+oDWADFO43GXCRfH0uYX4hw6Ny7/1x/+dhzcA=
        """,
        """
        0QUAARAQAB6atWpGM4P8mB4qP+B/Af6B///UDm//v33eh1zRFVdgyaeWAPq6OCWFIGZaQJB6GXtOmoIaNAAJs88MAAAAjgrQA7xT
        BPSUI5gb6QP4VPbYOhnIaAHgRRDY266A/3MFAvwfKP1VHAqzrSkFGugX+pjBlQfANLHWBqTL+KdG2FGy6WFTt+E3WIYLzVgNZZ5+
        Lim260rvO9Jg9b1t83hd6IOTHb7O7W6ZSXbpzv3aNO278NEcp6/m6RE/z0V6I6Mw0Bn+mi6eBtnK8WDs8DUvDWNwmDv6hYve530N
        lT4deFW/65yGifv/9RUfjX2fh1jcbSc29FPQTQy6n0HHhSW5n8Di8FyNZw+K4rmcsaMJAYLURiA=
        """,
        """
        UQQABRAQABgHWAxQH7kvT/28DqSqsF/VSmANvJAFti+8AD8EAAVAmYAJ5A5zVMfoNg+S2HD6yWSPY9Lubh+iPLsiInOjQoQpPwNZ
        70+2sZZgDuHIfG8bk/9NTAIlx9STgfjXSzuLSsXajDM0HdvZD1VxbxMxRj9LCA0mVeYdlO+vL+v+cVaTpIQTMEtRh6OzxByaN8X3
        TE6sqpENtrhKNoeUgq1nJWmRLdSIg5koxH4ktaQFFCRUe9Tv+rT6D1sQty6B2j32ygfjlm34Zhr3RIykMc2eLg8h7ITM/AyVqAiR
        6H8yS5v8GvUxNKCNedggKyXK5PsU51YiSIhM7chYIAA=
        """,
    ])

    static let vp9 = frames([
        """
        okmDQuAD8AL2BjgkHBhCAAYQX2P2L8n3Mex/x69/+T7hPot4+eV9Pyv6DNnBNH+u9QStft/df/h61/6vivh/D63er/nOzTV3I/h9
        9V981Nij1Ffezd17Wty5TS8D52JzIu0f8YNQ/Y/fp4OrKy3lhLXAAH6d9Czuk7rVtYrMky/uxVzl0Rs8QYXh/sEMUoE2L03VhBgJ
        ao40qB5/nB6oQPXFNl+f/B+ughWqdk5QA9czSDdBMsIgWybr5aGk3w6Aj3PiCETDuvloaTfDvwnV7iMe+IKDGoS+DyP48XInDdt2
        HEEkEPGpXMkone+DbpC6+5sTHfA5tr2qadRdV5SIpqUkawqXFMcR8NzmHDPlg66HLWpCNyy0I1+clDm/hrbuP36VXPBzyz1faJtJ
        +36xPwCsBiS4yW4Dscer3Zku9HlRDPuOSDmnbxBHWrNOY8I+MKIIIWPlypPWxTv0GhpIheiYIBk0l9erxMfuOqqz3Tq2KSWwXdnl
        heLc5jBGFH7m+A+WSwL1fTdg/071elug0RQblv9raEQjfqgD6ckmKPWLI8q7QgD9vZlMM+w2YmmFrMaZ2OcferRculOHQjP2MBwW
        aVzJnlFfwWk71ilmGCCbcBxogIncc6SkDPsNlAKN84W3tIldfhg5Ur/0/gIhzhxy+GcCqh+n5jjhvXR//Cyz+toCG////KDIzP//
        /5OJOf///ZTC3///k3Am///64cCM///l1wQv//8YaY1YtdxEHne3fpR5ztbObiTiCzeq3tjrGJsaDDNUpGdIdOz7soAGtMFwX67d
        NaSkffc1ggigQ2uafqJEoHJEF/yIP0W6HVTpFAYtJDH15vScLLlSYgGDjJHKF7fM4OOeuyBTeDFFKt6eQgJ78tGHrEP6kwds79ud
        syAO8t7sT/IZpUf6ISKtudIPrHGILnWrInsZwI9rRLNYpT9BTTT1yi1a1nnLV1J2sJa+YpJT/lknvx8+Ues73Wp6EY2N4sGIoh13
        epuwfbS9sf5fEDpBTBeCVwC7KspyHheC1yv5D++T8tqfWLcON5fSjyCY7H8RFiLjaXCuhcrHtdoX6OhhCidpiWF6R3untyjlVLJw
        kejdz+/kFUTHP4hqR2EpAA1Rh1b4Y3RtCoJv///+4WA///wss/raAhv///ygyMz///+TiTn///2Uwt///5NwJv//+uHAjP//5dcE
        L///GD/1/NeK5suf0SpVEnvx8+UeBE4SfpTW3SldaoBSPWygKTarbhBd7QJDDeASmEShnEBKlMGd6rU6lGVkuzu6EDzOsO+k3oG/
        nsXoG/nsDSZ9Fyxm3NAQYlXaEzS1FAC7kWUGZ0OLpKYBt11A+zJkFHq9T0tGV6/zMJpY+C6LuSDrflBqoW5fpDRHrVfGJv3udOp+
        asSh5yEsup6H+ghNxVMv9r7GBTZkNFWCDgZb5yuYXyMl2pTHe86+7TLLhtcCG7ytQBp2NfuEI1cimurvj1KAZVGKxmuuAPt3KckP
        abo9z7szLxvrOOSmjfEmbytsrFfuSfDcHyaRrdN0UJrDtWhtXH3GHSrdKQMVXQ5kRyZW+OEj4oRjWlBbHiI4E8S4EpgmbNbgP3D5
        CnOXrKwBwDWmUE010fBpRw+0CR5axoIAcFkpE4pBHdKWRph6qR2xuUEI4EkxFXRA5b9B/+fhIhrdUeZMCRFot8etKCw50b4B2khe
        KvAS+rzp6Yr5t9malEUfI72qAeJ9QmyHu+hWcVXOC5nivW1y5iaoxQL1c1ID74328572YsyltcBQXV3THLO0ZW7XXEzez00lysoN
        5FWVeJ0D80rSLApkF05yVcMovXkLvxKFMmMgv+EUDQFWFIMWJA54HGp6u+PcFv2N6rMJBtmWQrOJn1VKCS93r9b8dc9RHXZyKC41
        eZ/0n1wWZqZ4ZblU7+d0GyV0cfk7woRX9An8xBn/8UHSvPIgptcuergaEwO37yKz1ekD3lXGf2WEQy1II6uuwGAxYo/bECklrQka
        i43CVTxdUTy8Bj3KCQ/ZcJVQJyOrCd0bQkUt9YBeAx7lBtrZDv/2V7uEuM9ZFfaLBrvVxERDPEyRiL7t/zS/wRaCm31R9Uh15LSj
        wcv8H7L+lj9M3WZI6O4Hataf6TjLXZLZ2OEgw58kn2HrpsNqlVB+DaLeZIuX62H5GOr6RsAn8TH1A7+GuVFdl5rGK9DTVIqJuJJK
        z9BE732KTp+pHiv9i9ygshmwAfZV2MueAA==
        """,
        """
        pgBAkpwoSUAAA3AAAHvC4P//i7vge2LQqh+ei6jUCzRn2Y2P5Yd/////uZf/1QnFdYIzxA2mWtP////83b/sVRofAXV1mtFUbVLm
        jr7o5VHt///5ufhBTGl4HbJwySB6jFfTgeXa15c1fIDGYZGeP65fTkhvVk6nd94BUqDLVOLEsxyGTOmSvT3lcdzGE4cih2f/4yka
        moC895E7O/pmiWvvq7WlTbzQf/ltorNdiGOOmm6KZAtpNaAjdY1lxP//2sKH9pt1/uXdVWZsom5c+GK/lTQu1Cm+vRaTkT9X6xtS
        buT8f92uC/Zzw1bv+6TxXCu5FpX7S+B//4gfxef5rB0wmUwn9nI/nO+hfxQzsGRoK9dBa5POUPwYA2N7Z0LvCWtzD7znu7LqxaOQ
        f5r7/326DixN5tY3O//1/Yx+tAsZ7yzNqiXdyfnpbdiGMWW//3Scr012or+SyDX3NLckoIGTAAA=
        """,
        """
        pgBAkpwsSsAAA3AAAHu/vX//FrvbRV4pb1JOPhn/n7HFhrJzqXFr2kx+jNP/9mT0Y09DVyq4qnKGpKWLDtapCRRVB34YaNujEUZv
        /+gZ67bwPZsr/7CGgztXKz4i1+GjpVjL0VNnFhPcgBu338RPSYv+D4OCs6EBsY3GYb9SMTH3zBbUf8wJNiTWImxw61zZtKPCUK9+
        qmUmJ/o8gQncF8MJzNzVP+6bcJw0cCU++Xl6cH0eHRCOw+USbyqH7w7Tp6UzmbUu2f/wt9OCAVy2o3//yXEN9uFtlqa/73UTDXqu
        lQFVOHjXwrXW2tSSLx/sYPDoD9YOZTlc/ArNhS2kKOIA
        """,
    ])

    static let av1 = frames([
        """
        EgAKDSAAAAKv95tfJAQ0AIAyihMQAIAA3SsnPTUXvPUlhHd1Fxms9XYHqn////4JD8Nvw20GzQZQa+nj/z/z/lTr/lS/6v7b/+X+
        f////////o/E/QL9ASjlf5KNvfeAeAd/2v9/2uINIO+ASnP/////3l3xp/Gnw9EcdD0Cspc5c5cqExcqEDTzUhdH2L///+5qghrf
        ufufufufufufufufufufufufuft9GdcuDVj///uU6V65Xr31KfffTjUjUjUjVrVjVrWrWrVjT7A//+r2UiepWCw6O0jDoO4u4u4u
        5cJO5cJ8J8JO4sLv/7RgId3t3t3tt9vt3tt9l9vtt9l9l9l9l9mLOMr5im3Q+RRFpZYWWQFupdAXMVyJNVpNS01TEunHpyRE57RE
        UMVZpZU9A00A3nKJSiYnpJqienBUvCFZlJuxQzgM4L2LfUu57ue7n3d58n9ChvaA8EHwYpQn2jFjFjFjFjFirC1irCbCbDPY4wP4
        4XYx0CnSY2MdJU5U5jhc5jhkNnhy121218OIe/bgIM2f++8tr8jviPsY/I+s2s2xmw2xmzOzm3+5+5+8GPv04QziDOpM8c5m/97t
        7t7t7t7t1n3t1nxnxn9jwv2CiBVWal5rmH4usckckckckckYlakYlWlWlcebC6QB7+FHUFha8xxdy1ex8+258T/2PO34DC/7xP+M
        vw/xysk9E9EnZWdhFNPRPRPM1I1I1I1I1QZdeVuuCLOIvJxJxIc4xzSUCcScScBTxTxTxTxT/oC3IJtVyNbI1svDnG/ymGWzfeAe
        AdQL9AmL/gHgHf9r1r1r1r1r96tyocR0YDZgNljTrT7Al2zSYO/zz/fLy/xL/Euhqd624t8LHwseyAPawEGX8dfx15381ks2zcdN
        x0uu8jOMLTGbzYCu03e9GDJfSxakcZFe7oqgMwsXLQyHj4nRcSyR9jFIP3byuom/a1O6MGFhXl/zgKgXg5g8hBg8gngshBg8hBg8
        g0hBg8hFG701jjTFPFTjTFTjTFKnLFTjTFKnPjTFKnQqc9aqTi4WuPVuVvuPVvuPVs9NVvuPVs9OuPVs9NqlzXNKrl+PgDh8824k
        09LbM61VgYyEmPcVMZ0+Hs7KAhmcpIMriHRjlpAWKWkTg2DMt8r1+CI+uae+yUu/lAJQBgfeXqz+UAQ6iqzelZ3O6rHK/y5kKc+N
        MU8VONMU8Uqc+NMUt7d8RUI7T//fdfOmJNzI/M0sxTMVbVitIrTGyrWCYs6cW0Zg8Sy3bdLJTJbVjVbJbVjVbJCxLVkrWp7KvNsf
        9mz54gCOmF6aTsl7JaKU2nNp21ZB0hZHR7zNy4j3/WrUf+yM29RlZYTH/sjLFPvUZTvPFSZTvPFUVhdQxVmfkfnVmfnVmfhpifnV
        mfhplVmfhpmLkNQkzA4UmNknmamnmaiNiamnmamnmakamnmak0t/yXF8AomH061CtQM0CdGtPuTjKqXwfrCvpYQNBhAJYQNBpI5p
        jLAgNCDQYQCWEDQPr26TP9UENi3xZaROD3xZaR00KtpAjQIvmKHkQIrKEUM7m7aBX5xQS2k1RPUS2k1SUchl+kl2bGFpNyu00FjU
        Sj6wS+xlgXtA7LlMNeDX4XmdkHIt1NX17MTRB4CKbcJwNqTrVo2m3CcC6T6k606j6Ua06j6UwSLXtb4l0l5b4l5b4lvvwl5b4lvv
        1b4lvvxVlDYr5R/Ohs9G8cFUFj9cFj9cFENMFj9cFENb9cFENOgm+RMRoq87vMkK0nGBVnz0hHhIRW+/fQzEQsqg2c3dyjr9hAkC
        qOqIX+GGqIYEYKqIYEX+GGqIX3yapjz9AayktORud2sA5DqSc6hj5Uxras6sVrQr6sVr1sasVr1rQr6sVrEciBgLmz26KWevOuxm
        Eeuuxmhm+uxmhmEeuuxln1Mj02Zktgbz4KnFaAsnnPjFSKdcNTwLSTIdD/zV1HwPJ2Py3j/6r7cDDQBGguLBe/wZl4wRQaRKbN5v
        SdfCcblVkJv39RVfQmuFcq3IJnLs89cQ4Kj1QSHtgA6V0E0n+X1GNihbMsbKqPcHRXZMKD/bS44K5kmeVv4TXg3+tQKRABkOIjyI
        8COQjWI4iO8kiEINazj/J20c3F/80wEZ/lnNsZTE43wOXasxCninf0Iww1zYjMcRnIBG4b5Pdz3c+ZwXsTxB3P2LisNuMgO/frdP
        mu2GSCjkVZZ8wbIYVTMJkhzD2QBeV6ZxIJbPaI0dFxw/l7e44pmAhKapi42CJ1nwaT6jdtB7moX4nFUIFMczu7uju7ujtju7ujsL
        t7ujsLsjsLt7wfCzFE080Sgs/y/ACmRmWrw2NzV5vqn/DdyO38uet3LOB71R3LhJ3ANHhJ3ANB3F3ANB3ANB26i9SAwPPuz7yttr
        mVVQV5lxbg5V62J/IAo592vUeqLZbI+4DnJxCXUL1ru5P22Vm02SF0m02SFy2T2SFy2SFy2QVRo9wanq/gfLoW12FNl2WC2MUYgH
        lnSM1Mmuwdg5QzVYonuNlDRnSxGTFE8Fab+g2GMDe18J2gJFDbB6XuFjvm+LacOIYE7JRT4vA7NXnyggLK8Aumpsq1qMtFJav9oV
        Tp+K0dqC/ALu79TegCh2BmFpMpr1aSIz79LB7ISL8x6xh4xZF4e0CP5fZwlrNtsh7moX4mvzeL2ynoHsbUBjPE3z0YrLJ0wdtwdb
        Cm7+lRx+GjBCaY1J/nM/BCaansWrnBQNE+m1PJfqiEdFCRvqXY0wJkfJRdAAI0Zt0TL7Ql4VSWOmCt4sG9AwgcYLQbYoIyoOKSnC
        tAtKwaio6YHfkKp98H4MnY3P8JL6Urpa6XRndRq52727z+F/vxukwEvdvkwEvdtvukwT03OjCKE6KsUkkkkCqkpjdIHUHNJQHUHN
        I7NIHZW9p7MyWuR/sd4KopvZUgkOHqylNyQOYOYAd0RUdk6q6oDo6q6oDgVk6snkAFQRTaQVNbEssGCKlrOxOuTvOxLLBu865O86
        5OxOzxwN7wTFyoTFyoSITFyoRKylyoRKxoRKyl0bqzmtQ+vcPuTvgQKTWtiKaDW6li0QoeewNENbuINTu0NDNMzVjtJvIGbLwIXo
        XorsxAfgcZyE/N7N7MQM7MQLa8G+M//cC7q2h8TFbkbcdHWwGD3oyAau/lfopIzBHG4QQeWc/BaLDczZQZwZQ6SCYdt6fyBdbiP+
        X+VTQoT7FdgMhSfSfUflU0KEnCiwB2rQCUz5b8NumvXvED9wCm8u/UGd+SN6ltslUJVol8f5SVpe6RitTvo=
        """,
        """
        EgAyMzADgID9+AbRgIoooiggSgDNziqtwsSSGgeCRq1fvITjnGb4AD/NG56+iiQFDEY8kCsggA==
        """,
        """
        EgAyOTAEAQV9+AbRgIoooiggSgDL1OX27kE6FpZMPNCLvECfJsAWC6YG9R2C64KELPddeS5C+TBth93fIA==
        """,
    ])

    static let opus = frames([
        """
        eIGnt2yemawAAARbuI6z3HL1PlZnfEKTKHg8Ya5hMTpTxO7CXZoTazIM5gQJqP7kTsuqWlNYP5kT6SjxsOmV3eV/Aj8xOV28vy5c
        r61f8TiyyEiUgNiGLEU=
        """,
        """
        eKCvN6yVAO+iFSbU8KoIYRuPe3hjPQrXkws9Z/DWfoW1DN0UiOiplc6LB7YJxwMDcWmJ+zd3F+fT2g==
        """,
        """
        eJqy33Wc/Es5NS1ic47J3QuJSsf6JJKBdJQh6wx7JONE9thDwnhEgCxFe1INQk2cnyj/pP6Yl5ARGD8MBC/rZQ==
        """,
    ])

    private static func frames(_ texts: [String]) -> [ByteBuffer] {
        texts.map { ByteBuffer(bytes: Data(base64Encoded: $0, options: .ignoreUnknownCharacters) ?? Data()) }
    }
}
