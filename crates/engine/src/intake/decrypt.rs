//! A file that arrived encrypted (age) is opened as it is read: nothing of it is written down in the clear.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use age::armor::ArmoredReader;
use age::x25519::Identity;
use age::{DecryptError, Decryptor};

use crate::intake::error::FileError;
use crate::intake::read::Source;

const AGE_START: &[u8] = b"age-encryption.org/";
const AGE_ARMOR_START: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const PGP_ARMOR_START: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const LOOKED_AT_BYTES: u64 = 64;

/// The file itself, or what it holds when it is encrypted to the tenant's key.
pub fn opened(mut file: Box<dyn Source>, identity: Option<&Identity>) -> Result<Box<dyn Source>, FileError> {
    let mut head = Vec::new();
    file.by_ref().take(LOOKED_AT_BYTES).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    if head.starts_with(AGE_START) {
        return plain(file, identity);
    }
    if head.starts_with(AGE_ARMOR_START) {
        return plain(ArmoredReader::new(file), identity);
    }
    if head.starts_with(PGP_ARMOR_START) || is_pgp(&head) {
        return Err(FileError::OpenPgp);
    }
    Ok(file)
}

/// A session key for a public key (version 3 or 6) comes first in every message that is encrypted to one.
fn is_pgp(head: &[u8]) -> bool {
    match head {
        [0x84, _, version, ..] | [0x85, _, _, version, ..] | [0xc1, _, version, ..] => matches!(version, 3 | 6),
        _ => false,
    }
}

fn plain<R: Read + Seek + Send + 'static>(file: R, identity: Option<&Identity>) -> Result<Box<dyn Source>, FileError> {
    let identity = identity.ok_or(FileError::NotForUs)?;
    let decryptor = Decryptor::new(file).map_err(fault)?;
    if decryptor.is_scrypt() {
        return Err(FileError::Passphrase);
    }
    let reader = decryptor.decrypt(std::iter::once(identity as &dyn age::Identity)).map_err(fault)?;
    Ok(Box::new(reader))
}

fn fault(error: DecryptError) -> FileError {
    match error {
        DecryptError::NoMatchingKeys => FileError::NotForUs,
        // The store's own failures travel inside: they are no fault of the file.
        DecryptError::Io(error) if error.kind() == ErrorKind::Other => FileError::Read(error),
        _ => FileError::Undecipherable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::Encryptor;
    use age::armor::{ArmoredWriter, Format};
    use std::io::{Cursor, Write};

    fn encrypted(plain: &[u8], to: &Identity, format: Format) -> Vec<u8> {
        let to = to.to_public();
        let encryptor = Encryptor::with_recipients(std::iter::once(&to as &dyn age::Recipient)).expect("one recipient");
        let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(Vec::new(), format).expect("wraps")).expect("wraps");
        writer.write_all(plain).expect("writes");
        writer.finish().and_then(ArmoredWriter::finish).expect("ends")
    }

    fn read(bytes: Vec<u8>, identity: Option<&Identity>) -> Result<Box<dyn Source>, FileError> {
        opened(Box::new(Cursor::new(bytes)), identity)
    }

    #[test]
    fn what_is_encrypted_to_us_reads_and_seeks_like_the_file_itself() {
        let ours = Identity::generate();
        let text: Vec<u8> = (0..200_000u32).flat_map(|n| format!("0770090{:04}\n", n % 10_000).into_bytes()).collect();
        for format in [Format::Binary, Format::AsciiArmor] {
            let mut source = read(encrypted(&text, &ours, format), Some(&ours)).expect("opens");
            let mut plain = Vec::new();
            source.read_to_end(&mut plain).expect("reads");
            assert!(plain == text);
            source.seek(SeekFrom::Start(100_000)).expect("seeks");
            let mut some = [0; 100];
            source.read_exact(&mut some).expect("reads");
            assert_eq!(some, text[100_000..100_100]);
        }
        let mut same = read(b"phone\n07700900123\n".to_vec(), None).expect("not encrypted");
        let mut plain = String::new();
        same.read_to_string(&mut plain).expect("reads");
        assert_eq!(plain, "phone\n07700900123\n");
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let (ours, theirs) = (Identity::generate(), Identity::generate());
        assert!(matches!(read(encrypted(b"phone\n", &theirs, Format::Binary), Some(&ours)).err(), Some(FileError::NotForUs)));
        assert!(matches!(read(encrypted(b"phone\n", &ours, Format::Binary), None).err(), Some(FileError::NotForUs)));
        assert!(matches!(read(b"age-encryption.org/v1\nnonsense".to_vec(), Some(&ours)).err(), Some(FileError::Undecipherable)));
        assert!(matches!(read(b"-----BEGIN PGP MESSAGE-----\n\nabc".to_vec(), None).err(), Some(FileError::OpenPgp)));
        assert!(matches!(read([0x85, 1, 12, 3, 1, 2].to_vec(), None).err(), Some(FileError::OpenPgp)));
        let mut cut = encrypted(&vec![b'7'; 300_000], &ours, Format::Binary);
        cut.truncate(200_000);
        let mut source = read(cut, Some(&ours)).expect("the head is whole");
        assert!(source.read_to_end(&mut Vec::new()).is_err(), "a cut file is never taken for a whole one");
    }
}
