//! Formats dates for HTTP and for access logs (RFC 9110, section 5.6.7).

/// The date and time of a Unix time, in calendar units.
#[derive(Debug, PartialEq, Eq)]
pub struct Civil {
    /// The full year, such as 1994.
    pub year: i64,
    /// The month, 1 to 12.
    pub month: u32,
    /// The day of the month, 1 to 31.
    pub day: u32,
    /// The number of seconds since midnight.
    pub second_of_day: u32,
    /// The day of the week. 0 is Sunday.
    pub weekday: usize,
}

/// Converts a Unix time to the proleptic Gregorian calendar, in UTC.
pub fn civil(unix: i64) -> Civil {
    let days = unix.div_euclid(86_400);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32,
        second_of_day: unix.rem_euclid(86_400) as u32,
        weekday: (days + 4).rem_euclid(7) as usize,
    }
}

/// The names of the months as HTTP and access logs write them.
pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Formats a Unix time as the fixed-length date of HTTP (IMF-fixdate; RFC 9110, section 5.6.7).
pub fn http_date(unix: i64) -> [u8; 29] {
    const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let Civil { year, month, day, second_of_day, weekday } = civil(unix);
    let text = format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        WEEKDAYS[weekday],
        MONTHS[month as usize - 1],
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60,
    );
    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    if text.len() == date.len() {
        date.copy_from_slice(text.as_bytes());
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_5_6_7_dates() {
        assert_eq!(b"Sun, 06 Nov 1994 08:49:37 GMT", &http_date(784_111_777));
        assert_eq!(b"Thu, 01 Jan 1970 00:00:00 GMT", &http_date(0));
        assert_eq!(b"Thu, 29 Feb 2024 23:59:59 GMT", &http_date(1_709_251_199));
    }
}
