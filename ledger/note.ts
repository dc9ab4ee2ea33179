/**
 * Signed notes, C2SP signed-note (FORMAT §5): text that ends in a newline, an empty line, and one
 * signature line or more, each
 *
 *     — <key name> <base64 of 4 bytes key id ‖ signature>
 *
 * The signature is over the text with its last newline. The text may hold empty lines: the last
 * empty line of the note is the one before the signatures.
 */
import { malformed, SealstreamError } from './error.js';
import { sha256 } from './hash.js';
import { type PublicKey, type SigningKey, verifySignature } from './keys.js';
import {
  copyBytes,
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  equalBytes,
  quote,
  remembering,
} from './text.js';

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** 64 bytes for Ed25519; other kinds have other lengths. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends in a newline. */
  readonly text: string;
  /** 1 to 16, in the order of their lines. */
  readonly signatures: readonly NoteSignature[];
}

/**
 * A note whose signatures by one key are still to be checked: all of them, each over `message`. So
 * whoever has many notes can have them checked side by side, which this library does not.
 */
export interface UncheckedNote {
  readonly note: Note;
  readonly message: Uint8Array;
  /** 1 to 16; of any length. */
  readonly signatures: readonly Uint8Array[];
  /** The note. Throws `signature-invalid` unless `valid`: every signature holds. */
  open(valid: boolean): Note;
}

export const MAX_NOTE_LENGTH = 128 * 1024;
export const MAX_SIGNATURES = 16;
const ED25519 = 0x01;
const KEY_ID_LENGTH = 4;
const SIGNATURE_START = '— ';
const SPACE_OR_PLUS = /[\p{White_Space}+]/u;
/** Every one but the newline. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

/** Throws `malformed` on anything that is no signed note; checks no signature. */
export function parseNote(note: Uint8Array | string): Note {
  return splitNote(checkedText(note));
}

/** The note's text as well, which is the bytes verbatim. Throws as parseNote does. */
export function decodeNote(bytes: Uint8Array): { readonly whole: string; readonly note: Note } {
  const whole = checkedText(bytes);
  return { whole, note: splitNote(whole) };
}

function splitNote(whole: string): Note {
  const split = whole.lastIndexOf('\n\n');
  if (split < 0) throw malformed('the note has no empty line between text and signatures');
  const lines = whole.slice(split + 2).split('\n');
  if (lines.pop() !== '') throw malformed('the last line of the note does not end in a newline');
  if (lines.length === 0) throw malformed('the note has no signature');
  if (lines.length > MAX_SIGNATURES) {
    throw malformed(`the note has ${lines.length} signatures, at most ${MAX_SIGNATURES} are taken`);
  }
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

/** The note's text. Throws `malformed` where parseNote would not give back the same. */
export function formatNote(note: Note): string {
  if (!note.text.endsWith('\n')) throw malformed('the text of a note ends in a newline');
  const lines = note.signatures.map(({ name, keyId: id, signature }) => {
    checkKeyName(name);
    if (id.length !== KEY_ID_LENGTH) throw malformed(`a key id has ${KEY_ID_LENGTH} bytes`);
    if (signature.length === 0) throw malformed(`the signature of ${quote(name)} is empty`);
    const bytes = new Uint8Array(KEY_ID_LENGTH + signature.length);
    bytes.set(id);
    bytes.set(signature, KEY_ID_LENGTH);
    return `${SIGNATURE_START}${name} ${encodeBase64(bytes)}\n`;
  });
  if (lines.length === 0 || lines.length > MAX_SIGNATURES) {
    throw malformed(`a note has 1 to ${MAX_SIGNATURES} signatures, not ${lines.length}`);
  }
  return checkedText(`${note.text}\n${lines.join('')}`);
}

/** `text` signed under `name`. Throws `malformed` where the text cannot be a note's. */
export function signNote(text: string, name: string, key: SigningKey): string {
  const signature = key.sign(encodeUtf8(text));
  return formatNote({ text, signatures: [{ name, keyId: keyId(name, key.publicKey), signature }] });
}

/** The first 4 bytes of H(name ‖ "\n" ‖ 0x01 ‖ public key). Throws `malformed` on a bad name. */
export function keyId(name: string, key: PublicKey): Uint8Array {
  if (lastKey === null || !equalBytes(lastKey.bytes, key)) lastKey = keyIdsOf(key);
  return copyBytes(lastKey.idOf(name));
}

/** A log's id is the same in all its checkpoints, and most are by one key. */
let lastKey: ReturnType<typeof keyIdsOf> | null = null;

function keyIdsOf(key: PublicKey) {
  const bytes = copyBytes(key);
  const typed = typedKey(bytes);
  const idOf = remembering((name) => {
    checkKeyName(name);
    return sha256(Buffer.concat([encodeUtf8(`${name}\n`), typed])).slice(0, KEY_ID_LENGTH);
  });
  return { bytes, idOf };
}

/** <name>+<8 hex of the key id>+<base64 of 0x01 ‖ public key>, as C2SP tools take it. */
export function verifierKey(name: string, key: PublicKey): string {
  return `${name}+${encodeHex(keyId(name, key))}+${encodeBase64(typedKey(key))}`;
}

/**
 * The note, once a signature by `key` under `name` holds. Others are not looked at.
 * Throws `malformed`, `unsigned` (no signature by this key) or `signature-invalid`.
 */
export function openNote(note: Uint8Array | string, name: string, key: PublicKey): Note {
  const unchecked = uncheckedNote(parseNote(note), name, key);
  const { message, signatures } = unchecked;
  return unchecked.open(signatures.every((one) => verifySignature(key, message, one)));
}

/** What openNote would check of a note. Throws `unsigned` where it has no signature by this key. */
export function uncheckedNote(note: Note, name: string, key: PublicKey): UncheckedNote {
  const id = keyId(name, key);
  const known = note.signatures.filter(
    (candidate) => candidate.name === name && equalBytes(candidate.keyId, id),
  );
  const ofKey = (): string => `by key ${encodeHex(id)} of ${quote(name)}`;
  if (known.length === 0) {
    throw new SealstreamError(
      'unsigned',
      `the note has no signature ${ofKey()}; was another key used?`,
    );
  }
  return {
    note,
    message: encodeUtf8(note.text),
    signatures: known.map(({ signature }) => signature),
    open: (valid) => {
      if (valid) return note;
      throw new SealstreamError(
        'signature-invalid',
        `the signature ${ofKey()} does not fit the note's text`,
      );
    },
  };
}

function typedKey(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + key.length);
  bytes[0] = ED25519;
  bytes.set(key, 1);
  return bytes;
}

function checkKeyName(name: string): void {
  if (name === '' || SPACE_OR_PLUS.test(name)) {
    throw malformed(`${quote(name)} is no key name: not empty, no space, no plus`);
  }
}

function parseSignature(line: string): NoteSignature {
  const space = line.indexOf(' ', SIGNATURE_START.length);
  if (!line.startsWith(SIGNATURE_START) || space < 0) {
    throw malformed(`not a signature line: ${quote(line)}`);
  }
  const name = line.slice(SIGNATURE_START.length, space);
  checkKeyName(name);
  const bytes = decodeBase64(line.slice(space + 1));
  if (bytes.length <= KEY_ID_LENGTH) throw malformed(`the signature of ${quote(name)} is empty`);
  return {
    name,
    keyId: bytes.subarray(0, KEY_ID_LENGTH),
    signature: bytes.subarray(KEY_ID_LENGTH),
  };
}

/** The note as text: within the size limit, Unicode, and no control character but the newline. */
function checkedText(note: Uint8Array | string): string {
  if (note.length > MAX_NOTE_LENGTH) throw tooLong();
  const text = typeof note === 'string' ? note : decodeUtf8(note);
  if (typeof note === 'string' && encodeUtf8(note).length > MAX_NOTE_LENGTH) throw tooLong();
  const at = text.search(CONTROL);
  if (at >= 0) {
    throw malformed(`the note has the control character ${text.charCodeAt(at)} at position ${at}`);
  }
  return text;
}

function tooLong(): SealstreamError {
  return malformed(`the note is longer than ${MAX_NOTE_LENGTH} bytes`);
}
