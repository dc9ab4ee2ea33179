import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { crc32 } from '@node-rs/crc32';
import { COMPRESSION_CODES, type Compression } from '../../stream/batch/compression.js';
import { RECORDS_AT } from '../../stream/batch/layout.js';
import { xxh32 } from '../../stream/batch/xxh32.js';
import { concat, craft, text } from '../unit/stream/batch/support.js';
import { compressLz4, compressSnappy } from './compress.js';
import { batchPlaces } from './librdkafka.js';

const LZ4_DESCRIPTOR_AT = 4;

type Sections = Readonly<Record<'few' | 'many', Readonly<Record<string, string>>>>;

function file(path: string): string {
  // Compiled tests run from dist/, fixtures stay beside their sources.
  return readFileSync(new URL(`../../../test/fixtures/${path}`, import.meta.url), 'utf8');
}

/** What Kafka's own Java code wrote. */
export function javaFixture(name: string): Uint8Array {
  const hex = file(`batches/${name}.hex`).replaceAll(/\s/g, '');
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

/** One by one. */
export function javaBatches(name: string): Uint8Array[] {
  const bytes = javaFixture(name);
  const places = batchPlaces(bytes);
  return places.slice(1).map((end, index) => bytes.slice(places[index], end));
}

/** Sections that programs of others compressed, by their names. */
export function foreignSections(records: 'few' | 'many'): ReadonlyMap<string, Uint8Array> {
  const sections = (JSON.parse(file('codecs/sections.json')) as Sections)[records];
  const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
  return new Map(Object.entries(sections).map(([name, base64]) => [name, bytes(base64)]));
}

export function foreignSection(records: 'few' | 'many', name: string): Uint8Array {
  const section = foreignSections(records).get(name);
  if (section === undefined) throw new Error(`no section ${name} of ${records} records`);
  return section;
}

/** The three records of the Java fixtures, as they stand in a batch. */
export function fewRecords(): Uint8Array {
  const [few] = javaBatches('none');
  if (few === undefined) throw new Error('no batch in none.hex');
  return few.slice(RECORDS_AT);
}

/** A batch of the three records, whose section is this form of them. */
export function batchOf(codec: Compression, records: Uint8Array, recordsCount = 3): Uint8Array {
  return craft({
    baseOffset: 1000n,
    attributes: COMPRESSION_CODES[codec],
    lastOffsetDelta: Math.max(0, recordsCount - 1),
    baseTimestamp: 1_700_000_000_000n,
    maxTimestamp: 1_700_000_000_005n,
    recordsCount,
    records,
  });
}

/** Of a block with the uncompressed bit or without. */
export interface Lz4Block {
  readonly bytes: Uint8Array;
  readonly stored?: boolean;
}

/** The one block of a frame that lz4-napi wrote of `plain`. */
export function lz4Block(plain: Uint8Array): Lz4Block {
  const frame = compressLz4(plain);
  const word = new DataView(frame.buffer, frame.byteOffset).getUint32(7, true);
  const size = word & 0x7fffffff;
  return { bytes: frame.subarray(11, 11 + size), stored: word > 0x7fffffff };
}

/**
 * A frame by hand, of blocks of at most 64 KiB, with everything right that `flags` announce.
 * @param content what the blocks decompress to
 */
export function lz4Frame(
  flags: number,
  blocks: readonly Lz4Block[],
  content: Uint8Array,
  contentSize = content.length,
): Uint8Array {
  const size = (flags & 0x08) === 0 ? [] : [word(contentSize), word(0)];
  const parts = blocks.flatMap(({ bytes, stored }) => [
    word(bytes.length + (stored === true ? 0x80000000 : 0)),
    bytes,
    ...((flags & 0x10) === 0 ? [] : [word(xxh32(bytes))]),
  ]);
  const frame = concat(
    Uint8Array.of(0x04, 0x22, 0x4d, 0x18, flags, 0x40),
    ...size,
    Uint8Array.of(0),
    ...parts,
    word(0),
    ...((flags & 0x04) === 0 ? [] : [word(xxh32(content))]),
  );
  return withLz4Checksum(frame);
}

/** Little-endian. */
function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A gzip member with every optional field of its header, its checksum among them. */
export function gzipWithFields(plain: Uint8Array): Uint8Array {
  const member = gzipSync(plain);
  const header = Uint8Array.from(member.subarray(0, 10));
  header[3] = 0x1f;
  const fields = concat(header, Uint8Array.of(3, 0, 9, 9, 9), text('name\0'), text('comment\0'));
  return concat(fields, word(crc32(fields)).subarray(0, 2), member.subarray(10));
}

/** A xerial stream whose blocks hold so many bytes of `plain`. */
export function xerial(plain: Uint8Array, blockBytes: number): Uint8Array {
  const parts = [compressSnappy(new Uint8Array(0), 'xerial')];
  for (let at = 0; at < plain.length; at += blockBytes) {
    const block = compressSnappy(plain.subarray(at, at + blockBytes), 'bare');
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, block.length);
    parts.push(length, block);
  }
  return concat(...parts);
}

/** A frame whose descriptor has the checksum that it must have. */
export function withLz4Checksum(frame: Uint8Array): Uint8Array {
  const at = LZ4_DESCRIPTOR_AT + 2 + (((frame[LZ4_DESCRIPTOR_AT] ?? 0) & 0x08) === 0 ? 0 : 8);
  const mended = Uint8Array.from(frame);
  if (at < frame.length) mended[at] = (xxh32(frame.subarray(LZ4_DESCRIPTOR_AT, at)) >>> 8) & 0xff;
  return mended;
}
