//! Randomness, which the core does not have.

/// 16 random bytes from the operating system, as many as a nonce needs: a source of nonces for `Client`.
///
/// The error says that the system has no randomness to give. It is not to be papered over with anything weaker.
pub fn os_random() -> std::io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
