internal import COpenSSL

enum OpenSSLError {
    /// The oldest error of this thread's queue in the library's words, and the queue emptied.
    static func take() -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0, let text = ERR_reason_error_string(code) else { return "no reason given" }
        return String(cString: text)
    }
}
