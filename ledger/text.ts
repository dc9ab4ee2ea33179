/**
 * Strict text encodings (FORMAT, notation). Every value has exactly one text and every decoder
 * refuses all others, so that what was signed cannot be written in a second way. JavaScript's own
 * decoders are lenient: Buffer.from skips what it does not know, BigInt('') is 0n.
 */
import { malformed } from './error.js';

/** Before padding, a character has no bits that belong to no byte. */
const BASE64 = /^[A-Za-z0-9+/]*(?:[AEIMQUYcgkosw048]=|[AQgw]==)?$/;
const BASE64URL = /^[A-Za-z0-9_-]*$/;
const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;
const HEX = /^(?:[0-9a-f]{2})*$/;
const SURROGATE = /[\ud800-\udfff]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const UTF8 = new TextEncoder();
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Results that `remembering` keeps. */
const MOST_REMEMBERED = 1024;

/** 2^63: decimals, sizes and offsets are below it. */
export const DECIMAL_LIMIT = 1n << 63n;

/** Text from outside, short and safe to put into a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/**
 * One character that acts on a terminal, or on how text is laid out, instead of being shown, as the
 * source of a pattern: controls (C0, DEL, C1), bidirectional controls, and the separators of lines
 * and paragraphs. Line feeds and tabs are text.
 */
export const UNPRINTABLE =
  '[^\\t\\n -~\\u00a0-\\u061b\\u061d-\\u200d\\u2010-\\u2027\\u202f-\\u2065\\u206a-\\uffff]';
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE, 'g');

/** `\u001b` and the like, which is also how JSON writes it. */
export function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Text from outside that cannot move a cursor, repaint, hide or reverse what stands around it. */
export function printable(text: string): string {
  return text.replace(EVERY_UNPRINTABLE, escaped);
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * A copy of [start, end) with a buffer of its own, outside Node's shared pool. A Buffer's `slice`
 * is no copy, and any Uint8Array from outside may be a Buffer.
 */
export function copyBytes(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}

/** RFC 4648 §4 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return view(bytes).toString('base64');
}

/** Throws `malformed` on anything that does not re-encode to `text`. */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 === 0 && BASE64.test(text)) return copyBytes(Buffer.from(text, 'base64'));
  throw malformed(`not canonical base64: ${quote(text)}`);
}

/** RFC 4648 §5 without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url');
}

/** Throws `malformed` on anything that does not re-encode to `text`. */
export function decodeBase64Url(text: string): Uint8Array {
  if (BASE64URL.test(text)) {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.toString('base64url') === text) return copyBytes(bytes);
  }
  throw malformed(`not canonical base64url: ${quote(text)}`);
}

/** Lower case, two digits a byte. */
export function encodeHex(bytes: Uint8Array): string {
  return view(bytes).toString('hex');
}

/** Throws `malformed` unless `text` is an even number of lower-case digits. */
export function decodeHex(text: string): Uint8Array {
  if (!HEX.test(text)) throw malformed(`not lower-case hexadecimal: ${quote(text)}`);
  return copyBytes(Buffer.from(text, 'hex'));
}

/** Throws `malformed` unless `value` can be a decimal of the format: 0 ≤ value < 2^63. */
export function encodeDecimal(value: bigint): string {
  if (value < 0n || value >= DECIMAL_LIMIT) throw malformed(`${value} is not in 0 … 2^63 − 1`);
  return value.toString();
}

/** Digits without sign or leading zero, below 2^63. Throws `malformed`. */
export function decodeDecimal(text: string): bigint {
  if (DECIMAL.test(text)) {
    const value = BigInt(text);
    if (value < DECIMAL_LIMIT) return value;
  }
  throw malformed(`not a decimal below 2^63: ${quote(text)}`);
}

/** Kafka's largest partition number and count. */
const INT32_MAX = 0x7fffffff;

/** A decimal that is also a Kafka int32: partition numbers and counts. Throws `malformed`. */
export function decodeSmallDecimal(text: string): number {
  const value = decodeDecimal(text);
  if (value > INT32_MAX) throw malformed(`not a decimal below 2^31: ${quote(text)}`);
  return Number(value);
}

/** Throws `malformed` unless `value` is an integer in 0 … 2^31 − 1. */
export function encodeSmallDecimal(value: number): string {
  if (!Number.isInteger(value) || value < 0 || value > INT32_MAX) {
    throw malformed(`${value} is not in 0 … 2^31 − 1`);
  }
  return value.toString();
}

/** Throws `malformed` where `text` holds half of a surrogate pair, which UTF-8 cannot hold. */
export function encodeUtf8(text: string): Uint8Array {
  if (SURROGATE.test(text) && LONE_SURROGATE.test(text))
    throw malformed(`no Unicode text: ${quote(text)}`);
  return UTF8.encode(text);
}

/** Throws `malformed` on bytes that are not UTF-8. Nothing is dropped, no byte order mark. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch (cause) {
    throw malformed('not valid UTF-8', cause);
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && view(a).equals(b);
}

/**
 * `make` for texts that come again and again, as the names of logs do in a million checkpoints. Who
 * sends ever new ones gains nothing and costs no memory: all is forgotten when there are too many.
 */
export function remembering<T>(make: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    // A copy: a part of a text holds the whole of it in memory.
    const own = Buffer.from(text).toString();
    const made = make(text);
    if (own !== text) return made;
    if (known.size === MOST_REMEMBERED) known.clear();
    known.set(own, made);
    return made;
  };
}
