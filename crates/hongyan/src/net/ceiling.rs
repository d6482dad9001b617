//! How many connections there may be at once, in all and from one IP address.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

/// Counts connections of one listener family; cheap to clone.
#[derive(Clone)]
pub struct Ceiling(Arc<Limits>);

struct Limits {
    total_max: u32,
    per_address_max: u32,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: u32,
    per_address: FxHashMap<IpAddr, u32>,
}

/// Permission for one connection; it ends when this is dropped.
pub struct Permit {
    limits: Arc<Limits>,
    address: IpAddr,
}

impl Ceiling {
    /// At most `total_max` connections, and `per_address_max` from one address (one /64 network for IPv6, which is what
    /// one subscriber has).
    pub fn new(total_max: u32, per_address_max: u32) -> Self {
        Self(Arc::new(Limits { total_max, per_address_max, open: Mutex::default() }))
    }

    /// Takes a place for a connection from `address`; `None` when there is none left.
    pub fn admit(&self, address: IpAddr) -> Option<Permit> {
        let address = subscriber_network(address);
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.0.total_max {
            return None;
        }
        let count = open.per_address.entry(address).or_default();
        if *count >= self.0.per_address_max {
            return None;
        }
        *count += 1;
        open.total += 1;
        drop(open);
        Some(Permit { limits: self.0.clone(), address })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(count) = open.per_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.per_address.remove(&self.address);
            }
        }
    }
}

fn subscriber_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_when_its_connection_ends() {
        let ceiling = Ceiling::new(3, 2);
        let a: IpAddr = "192.0.2.1".parse().unwrap();
        let first = ceiling.admit(a).expect("first of its address");
        let _second = ceiling.admit(a).expect("second of its address");
        assert!(ceiling.admit(a).is_none());
        drop(first);
        assert!(ceiling.admit(a).is_some());
    }

    #[test]
    fn the_ceiling_in_all_holds_over_addresses_and_networks() {
        let ceiling = Ceiling::new(2, 1);
        let _a = ceiling.admit("2001:db8::1".parse().unwrap()).expect("first");
        assert!(ceiling.admit("2001:db8::2".parse().unwrap()).is_none(), "same /64");
        let _b = ceiling.admit("2001:db8:0:1::1".parse().unwrap()).expect("second");
        assert!(ceiling.admit("192.0.2.1".parse().unwrap()).is_none(), "full");
    }
}
