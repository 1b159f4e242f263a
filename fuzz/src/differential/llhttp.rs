//! Reads requests with llhttp, which `oracle/oracle.c` calls.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::{End, Message, Reading};

/// Reads requests until the input is used up or refused.
pub fn read(input: &[u8]) -> Reading {
    let mut listener = Listener::default();
    let mut reason = std::ptr::null();
    // SAFETY: the input and the listener live until the call returns, and nothing keeps a pointer to either.
    let verdict = unsafe {
        ropewalk_oracle(input.as_ptr().cast(), input.len(), (&raw mut listener).cast(), tell, &raw mut reason)
    };
    let messages = listener.messages;
    let end = match verdict {
        _ if messages.last().is_some_and(|last| last.kept == Some(false)) => End::Closed,
        0 => End::Open,
        // SAFETY: the reason is a static string of llhttp.
        _ => End::Refused(unsafe { CStr::from_ptr(reason) }.to_string_lossy().into_owned()),
    };
    Reading { messages, end }
}

/// Collects what llhttp reports.
#[derive(Default)]
struct Listener {
    message: Message,
    name: Vec<u8>,
    value: Vec<u8>,
    in_body: bool,
    keeps: bool,
    messages: Vec<Message>,
}

// The same numbers are in oracle/oracle.c.
const METHOD: c_int = 0;
const TARGET: c_int = 1;
const VERSION: c_int = 2;
const NAME: c_int = 3;
const VALUE: c_int = 4;
const FIELD_OVER: c_int = 5;
const HEAD_OVER: c_int = 6;
const BODY: c_int = 7;
const MESSAGE_OVER: c_int = 8;

type Tell = extern "C" fn(*mut c_void, c_int, *const c_char, usize, c_int);

unsafe extern "C" {
    fn ropewalk_oracle(
        bytes: *const c_char,
        length: usize,
        listener: *mut c_void,
        tell: Tell,
        reason: *mut *const c_char,
    ) -> c_int;
}

extern "C" fn tell(listener: *mut c_void, what: c_int, bytes: *const c_char, length: usize, number: c_int) {
    // SAFETY: `read` passed this listener, and only this call uses it now. llhttp's bytes are valid.
    let (listener, bytes) =
        unsafe { (&mut *listener.cast::<Listener>(), std::slice::from_raw_parts(bytes.cast::<u8>(), length)) };
    listener.hear(what, bytes, number);
}

impl Listener {
    fn hear(&mut self, what: c_int, bytes: &[u8], number: c_int) {
        match what {
            METHOD => self.message.method.extend_from_slice(bytes),
            TARGET => self.message.target.extend_from_slice(bytes),
            VERSION => self.message.version.extend_from_slice(bytes),
            NAME => self.name.extend_from_slice(bytes),
            VALUE => self.value.extend_from_slice(bytes),
            FIELD_OVER => self.field_over(),
            HEAD_OVER => {
                self.in_body = true;
                self.keeps = number != 0;
                self.messages.push(std::mem::take(&mut self.message));
            }
            BODY => self.last().body.extend_from_slice(bytes),
            MESSAGE_OVER => {
                self.in_body = false;
                let keeps = self.keeps;
                self.last().kept = Some(keeps);
            }
            _ => unreachable!("oracle.c reports nothing else"),
        }
    }

    /// Adds a field. Removes spaces and tabs after its value, because llhttp keeps them.
    fn field_over(&mut self) {
        let name = std::mem::take(&mut self.name);
        let value = std::mem::take(&mut self.value);
        let end = value.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
        let field = (name, value[..end].to_vec());
        if self.in_body {
            let (name, value) = field;
            self.last().trailers.push((name.to_ascii_lowercase(), value));
        } else {
            self.message.fields.push(field);
        }
    }

    fn last(&mut self) -> &mut Message {
        self.messages.last_mut().expect("a head before its body")
    }
}
