/// What control plane and workers say to each other through the clients they redirect.
package enum ClientRedirect {
    /// A query parameter: the control plane has sent the client to the only node that can have what it asks for.
    package static let mark = "redirect=last"
}
