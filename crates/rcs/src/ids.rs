//! What ties messages together: message ids, and the Conversation-ID and Contribution-ID of OMA CPM.
//!
//! Ids are drawn from 16 random bytes that the caller hands in, so that a simulation can repeat itself. We write UUIDs
//! (RFC 9562) and read any token.

use uuid::Uuid;

use crate::Address;

/// The longest Conversation-ID, Contribution-ID or Message-ID that is accepted. RFC 5438 wants message ids far shorter,
/// Call-IDs that stand in for them can be this long.
pub const ID_BYTES_MAX: usize = 128;

/// Names the conversations that [`conversation_between`] derives. Changing it would tear every such conversation in two.
const CONVERSATIONS: Uuid = Uuid::from_u128(0x2d1f_6b0e_5c38_4f7a_9a41_77c0_31e6_b852);

/// Names the groups that [`group_id`] derives. Changing it would lose the way back to groups that have ended.
const GROUPS: Uuid = Uuid::from_u128(0x7a0c_94d1_3e2b_4c58_8f16_5bd2_90e7_a43f);

/// Names the contacts that [`contact_id`] derives. Changing it would show every watcher its devices twice.
const CONTACTS: Uuid = Uuid::from_u128(0x51c8_02ad_9e47_4b06_b3d9_18f5_6ac2_70e4);

/// Names the messages that [`message_id_of`] derives. Changing it would let calls through twice that are repeated across the
/// change.
const MESSAGES: Uuid = Uuid::from_u128(0x93b7_41de_0c68_4d25_a1f0_6e8b_d935_27c4);

/// A new Message-ID (RFC 5438 §6.3): 32 hexadecimal digits with 122 random bits.
pub fn message_id(random: [u8; 16]) -> String {
    random_uuid(random).simple().to_string()
}

/// The Message-ID that follows from a name which `from` gave its message elsewhere (an idempotency key, a correlator), always
/// the same.
pub fn message_id_of(from: &Address, name: &str) -> String {
    Uuid::new_v5(&MESSAGES, format!("{from}\n{name}").as_bytes()).simple().to_string()
}

/// A new Conversation-ID or Contribution-ID: a random UUID.
pub fn conversation_id(random: [u8; 16]) -> String {
    random_uuid(random).hyphenated().to_string()
}

/// The Conversation-ID of two parties whose clients name none: the same for both directions, always.
pub fn conversation_between(a: &Address, b: &Address) -> String {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let pair = format!("{first}\n{second}");
    Uuid::new_v5(&CONVERSATIONS, pair.as_bytes()).hyphenated().to_string()
}

/// The id of the group that follows from `name`, always the same: 20 hexadecimal digits, since it stands in every message of the
/// group several times and datagrams are short.
pub fn group_id(name: &str) -> String {
    let mut id = Uuid::new_v5(&GROUPS, name.as_bytes()).simple().to_string();
    id.truncate(20);
    id
}

/// The id of a registered contact in a registration document (RFC 3680 §5.1), always the same for one `name`: 12 hexadecimal
/// digits.
pub fn contact_id(name: &str) -> String {
    let mut id = Uuid::new_v5(&CONTACTS, name.as_bytes()).simple().to_string();
    id.truncate(12);
    id
}

/// Whether a peer's id can be taken over: 1 to [`ID_BYTES_MAX`] visible ASCII characters, none of which could break
/// out of a header or a key.
pub fn is_valid(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| IN_ID[usize::from(byte)])
}

/// The visible ASCII characters but `"`, `,`, `;` and the backslash.
static IN_ID: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_graphic() && !matches!(byte as u8, b'"' | b',' | b';' | b'\\');
        byte += 1;
    }
    table
};

fn random_uuid(random: [u8; 16]) -> Uuid {
    uuid::Builder::from_random_bytes(random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_random_as_what_they_are_drawn_from() {
        assert_eq!(message_id([0xab; 16]), "abababababab4bababababababababab");
        assert_eq!(conversation_id([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert!(is_valid(&message_id([7; 16])) && is_valid(&conversation_id([7; 16])));
    }

    #[test]
    fn two_parties_have_one_conversation_whoever_speaks() {
        let alice: Address = "tel:+8613800000001".parse().unwrap();
        let bob: Address = "tel:+8613800000002".parse().unwrap();
        let bot: Address = "sip:12306@botplatform.hongyan.local".parse().unwrap();
        assert_eq!(conversation_between(&alice, &bob), conversation_between(&bob, &alice));
        assert_ne!(conversation_between(&alice, &bob), conversation_between(&alice, &bot));
        // Stored conversations depend on this very value.
        assert_eq!(conversation_between(&alice, &bob), "3addd1b3-7562-5820-92d9-f4bf204c1c4f");
    }

    #[test]
    fn a_name_of_a_message_makes_one_id_for_each_sender() {
        let [one, other] = ["sip:1@botplatform.a.example", "sip:2@botplatform.a.example"]
            .map(|text| text.parse::<Address>().unwrap());
        assert_eq!(message_id_of(&one, "k"), message_id_of(&one, "k"));
        assert_ne!(message_id_of(&one, "k"), message_id_of(&other, "k"));
        assert!(is_valid(&message_id_of(&one, "any key; even, with \"marks\"")));
    }

    #[test]
    fn a_group_has_one_id() {
        // Stored groups depend on this very value.
        assert_eq!(group_id("contribution\n1"), group_id("contribution\n1"));
        assert_ne!(group_id("contribution\n1"), group_id("contribution\n2"));
        assert_eq!(group_id("contribution\n1").len(), 20);
    }

    #[test]
    fn foreign_ids_are_taken_if_they_fit_in_a_header() {
        for id in ["a", "Msg34jk324j", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "abc@198.51.100.7", "%<id>~"] {
            assert!(is_valid(id), "{id}");
        }
        for id in ["", "a b", "a\r\nb", "\u{e9}", "a;b", &"x".repeat(ID_BYTES_MAX + 1)] {
            assert!(!is_valid(id), "{id}");
        }
    }
}
