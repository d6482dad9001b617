//! The parser's promise: a message of fifteen headers is read without the heap.
#![allow(unsafe_code, reason = "a counting allocator has no safe form")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use sip::{HeaderName, Message};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u32> = const { Cell::new(0) };
}

// SAFETY: every call goes to `System` unchanged; the counter is a plain thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as promised to us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as promised to us.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn fifteen_headers_and_their_values_are_read_without_allocating() {
    let wire = Bytes::from(std::fs::read("../../fixtures/sip/message-pager-976.sip").unwrap());
    // A `Bytes` made of a `Vec` allocates its counter when it is first shared.
    let shared = wire.clone();
    let before = ALLOCATIONS.get();
    let message = Message::parse_datagram(shared).unwrap();
    let (via, from, cseq) = (message.via().unwrap(), message.from().unwrap(), message.cseq().unwrap());
    let conversation = message.header(HeaderName::ConversationId);
    let allocated = ALLOCATIONS.get() - before;
    assert_eq!((allocated, message.len()), (0, 15));
    assert!(via.branch().is_some() && from.tag().is_some() && cseq.number == 1 && conversation.is_some());
    drop(Box::new(wire));
    assert!(ALLOCATIONS.get() > before, "the counter counts");
}
