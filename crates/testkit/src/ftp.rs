//! As much FTP as a proxy needs: where the connection for data is to go.

use std::net::{Ipv4Addr, SocketAddr};

/// The address in the answer to PASV, if this is one: `227 ... (127,0,0,1,156,64)`.
pub(crate) fn data_address(answer: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(answer).ok()?.strip_prefix("227 ")?;
    let (_, text) = text.split_once('(')?;
    let (numbers, _) = text.split_once(')')?;
    let numbers: Vec<u8> = numbers.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    let [a, b, c, d, high, low] = numbers[..] else { return None };
    Some((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])).into())
}

/// The answer that names this address. IPv4 only, as the command is.
pub(crate) fn passive(address: SocketAddr) -> Vec<u8> {
    let [high, low] = address.port().to_be_bytes();
    format!("227 Entering Passive Mode (127,0,0,1,{high},{low})\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_and_replaced() {
        let address = data_address(b"227 Entering Passive Mode (10,0,0,1,156,64)\r\n");
        assert_eq!(address, Some("10.0.0.1:40000".parse().expect("an address")));
        let there = "127.0.0.1:40001".parse().expect("an address");
        assert_eq!(data_address(&passive(there)), Some(there));
        assert_eq!(data_address(b"226 done (1,2,3,4,5,6)\r\n"), None);
        assert_eq!(data_address(b"227 Entering Passive Mode (10,0,0)\r\n"), None);
    }
}
