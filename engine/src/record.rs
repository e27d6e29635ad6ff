//! The envelope that every stored record has.
//!
//! `format`, `lineage`, `serial`, `fence`, `nonce` and a SHA-256 over all of it: a reader can tell a truncated, edited, foreign
//! or newer record from a good one, and a writer can tell its own retried write from somebody else's.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What brings a record, given with its key, from one format to the next.
type Step = fn(&str, &mut Value);

/// From each older format to the one after it; the first of them leaves format 1. A record is brought up as it is read, and written
/// in the newest format when it changes: what it was before stays among the store's earlier versions (`state versions`).
const STEPS: &[Step] = &[];

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = STEPS.len() as u32 + 1;

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or not of the envelope's shape.
    #[error("the record `{key}` cannot be read: {source}; nothing was changed")]
    Unreadable {
        /// Which record.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The checksum does not fit.
    #[error("the record `{key}` was truncated or edited by hand: its checksum does not fit; nothing was changed")]
    Checksum {
        /// Which record.
        key: String,
    },
    /// There are later ones of its row, so it was there.
    #[error("the record `{key}` is missing: it was removed by hand; nothing was changed")]
    Gone {
        /// Which record.
        key: String,
    },
    /// Written by a newer version.
    #[error(
        "the record `{key}` has format {found}, this version of deployer knows up to {FORMAT}: use the version that wrote it, or a newer one"
    )]
    Newer {
        /// Which record.
        key: String,
        /// Its format.
        found: u32,
    },
    /// It belongs to another state.
    #[error(
        "the record `{key}` belongs to another state (lineage {found}, here it is {expected}); nothing was changed"
    )]
    Lineage {
        /// Which record.
        key: String,
        /// Its lineage.
        found: String,
        /// Ours.
        expected: String,
    },
}

impl RecordError {
    /// Which record.
    pub fn key(&self) -> &str {
        match self {
            Self::Unreadable { key, .. }
            | Self::Checksum { key }
            | Self::Gone { key }
            | Self::Newer { key, .. }
            | Self::Lineage { key, .. } => key,
        }
    }
}

/// A record around its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<T> {
    /// The format's version.
    pub format: u32,
    /// Which state it belongs to: made once, when the state is.
    pub lineage: String,
    /// Grows with each write of this record.
    pub serial: u64,
    /// Grows when its lock is taken over; never reset.
    pub fence: u64,
    /// Unique to this write.
    pub nonce: String,
    /// The content.
    pub body: T,
}

/// The checksum of a record: over its canonical JSON, keys sorted, without the checksum itself.
fn checksum(record: &Value) -> String {
    Sha256::digest(record.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl<T: Serialize + DeserializeOwned> Record<T> {
    /// Its bytes, with the checksum.
    pub fn encode(&self, key: &str) -> Result<Bytes, RecordError> {
        let unreadable = |source| RecordError::Unreadable { key: key.to_owned(), source };
        let mut value = serde_json::to_value(self).map_err(unreadable)?;
        let sum = checksum(&value);
        if let Some(map) = value.as_object_mut() {
            map.insert("sha256".to_owned(), json!(sum));
        }
        let mut bytes = serde_json::to_vec_pretty(&value).map_err(unreadable)?;
        bytes.push(b'\n');
        Ok(bytes.into())
    }

    /// The record in `bytes`, checked; `lineage` too, if it is known.
    pub fn decode(key: &str, bytes: &[u8], lineage: Option<&str>) -> Result<Self, RecordError> {
        Self::decode_by(STEPS, key, bytes, lineage)
    }

    fn decode_by(steps: &[Step], key: &str, bytes: &[u8], lineage: Option<&str>) -> Result<Self, RecordError> {
        let newest = steps.len() + 1;
        let unreadable = |source| RecordError::Unreadable { key: key.to_owned(), source };
        let mut value: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
        let found =
            value.get("format").and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok()).unwrap_or(newest);
        if found > newest {
            return Err(RecordError::Newer { key: key.to_owned(), found: u32::try_from(found).unwrap_or(u32::MAX) });
        }
        let said = value.as_object_mut().and_then(|map| map.remove("sha256"));
        if said != Some(json!(checksum(&value))) {
            return Err(RecordError::Checksum { key: key.to_owned() });
        }
        if found < newest {
            steps.iter().skip(found.saturating_sub(1)).for_each(|step| step(key, &mut value));
            value["format"] = json!(newest);
        }
        let record: Self = serde_json::from_value(value).map_err(unreadable)?;
        match lineage {
            Some(expected) if expected != record.lineage => {
                Err(RecordError::Lineage { key: key.to_owned(), found: record.lineage, expected: expected.to_owned() })
            }
            _ => Ok(record),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record<Value> {
        Record {
            format: FORMAT,
            lineage: "l".into(),
            serial: 3,
            fence: 1,
            nonce: "n".into(),
            body: json!({"a": [1, 2]}),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = sample().encode("k").expect("encodes");
        assert_eq!(Record::<Value>::decode("k", &bytes, Some("l")).expect("decodes"), sample());
    }

    #[test]
    fn what_an_older_version_wrote_is_brought_up() {
        let bytes = sample().encode("components/k").expect("encodes");
        let steps: &[Step] = &[
            |_, record| record["body"] = json!({"all": record["body"]["a"]}),
            |key, record| record["body"]["of"] = json!(key),
        ];
        let decode = |bytes: &[u8]| Record::<Value>::decode_by(steps, "components/k", bytes, Some("l"));
        let body = json!({"all": [1, 2], "of": "components/k"});
        let brought_up = Record { format: 3, body, ..sample() };
        assert_eq!(decode(&bytes).expect("decodes"), brought_up);
        // In the newest format it is taken as it is; what was damaged is told before it is brought up.
        assert_eq!(decode(&brought_up.encode("components/k").expect("encodes")).expect("decodes"), brought_up);
        let text = String::from_utf8(bytes.to_vec()).expect("text").replace("\"serial\": 3", "\"serial\": 4");
        assert!(matches!(decode(text.as_bytes()), Err(RecordError::Checksum { .. })));
    }

    #[test]
    fn damage_is_told_apart() {
        let bytes = sample().encode("k").expect("encodes");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let decode = |text: &str, lineage| Record::<Value>::decode("k", text.as_bytes(), Some(lineage));
        assert!(matches!(decode(&text[..text.len() / 2], "l"), Err(RecordError::Unreadable { .. })));
        assert!(matches!(decode(&text.replace("[\n      1", "[\n      7"), "l"), Err(RecordError::Checksum { .. })));
        assert!(matches!(
            decode(&text.replace("\"format\": 1", "\"format\": 9"), "l"),
            Err(RecordError::Newer { found: 9, .. })
        ));
        assert!(matches!(decode(&text, "other"), Err(RecordError::Lineage { .. })));
    }
}
