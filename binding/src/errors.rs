//! Converts errors of the engine to the exceptions of `ropewalk.errors`.

use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use ropewalk_engine::{CommandError, GoneReason};

pub const UNSUPPORTED_CODING: &str = "UnsupportedCoding";
pub const RESPONSE_ENDED: &str = "ResponseEnded";
pub const RESPONSE_STARTED: &str = "ResponseStarted";
pub const BAD_BODY: &str = "BadBody";
pub const BODY_TOO_LARGE: &str = "BodyTooLarge";
pub const DISCONNECTED: &str = "Disconnected";
pub const ENGINE_UNUSABLE: &str = "EngineUnusable";
pub const FORKED: &str = "Forked";
pub const INVALID_FIELD: &str = "InvalidField";
pub const OF_PARENT: &str = "ParentsRequest";
pub const BEYOND_LENGTH: &str = "BeyondLength";
pub const WRONG_LENGTH: &str = "WrongLength";
pub const WRONG_THREAD: &str = "WrongThread";

static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// Returns the exception with this class name in `ropewalk.errors`. `message` is one sentence.
///
/// PyO3 creates the exception only when the error reaches Python. Creating it here would run Python code, and another
/// thread could run while the caller still borrows an exchange.
pub fn raise(py: Python<'_>, name: &str, message: String) -> PyErr {
    let module = ERRORS.get_or_try_init(py, || Ok::<_, PyErr>(py.import("ropewalk.errors")?.unbind()));
    let class = module.and_then(|module| Ok(module.bind(py).getattr(name)?.cast_into::<PyType>()?));
    class.map_or_else(|error| error, |class| PyErr::from_type(class, (message,)))
}

/// Converts the error of a failed command to an exception.
pub fn command(py: Python<'_>, error: CommandError) -> PyErr {
    match error {
        CommandError::Complete => raise(py, RESPONSE_ENDED, "The response is complete already.".into()),
        CommandError::Gone => disconnected(py, GoneReason::ClientLeft),
        CommandError::Started => raise(py, RESPONSE_STARTED, "The head of the response is sent.".into()),
        CommandError::NotStarted => PyRuntimeError::new_err("The response has no head yet: call begin before write."),
        CommandError::Status(status) => raise(py, INVALID_FIELD, format!("The status {status} cannot be sent here.")),
        CommandError::NoBody(status) => raise(
            py,
            INVALID_FIELD,
            format!("A response with status {status} has no body (RFC 9110, sections 6.4.1 and 15.3.6)."),
        ),
        CommandError::Field(what) => raise(py, INVALID_FIELD, format!("In the response, {what}.")),
        CommandError::Length { announced, written } => {
            raise(py, WRONG_LENGTH, format!("{announced} bytes were announced and {written} written."))
        }
        CommandError::Excess { announced, written } => {
            raise(py, BEYOND_LENGTH, format!("{announced} bytes were announced and {written} written."))
        }
        CommandError::BodyTooLarge { limit } => too_large(py, limit),
    }
}

pub fn too_large(py: Python<'_>, limit: u64) -> PyErr {
    raise(py, BODY_TOO_LARGE, format!("The body is larger than {limit} bytes."))
}

pub fn disconnected(py: Python<'_>, reason: GoneReason) -> PyErr {
    raise(py, DISCONNECTED, format!("The exchange is over: {reason}."))
}

/// Converts a system error to an OSError, with the errno if the error has one.
pub fn system(error: std::io::Error) -> PyErr {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => {
            let text = text.strip_suffix(&format!(" (os error {number})")).unwrap_or(&text).to_owned();
            PyOSError::new_err((number, text))
        }
        None => PyOSError::new_err(text),
    }
}

/// Passes an exception of a callback to `sys.unraisablehook`, because no caller can handle it.
pub fn unraisable<T>(outcome: PyResult<T>, callee: &Bound<'_, PyAny>) {
    if let Err(error) = outcome {
        error.write_unraisable(callee.py(), Some(callee));
    }
}
