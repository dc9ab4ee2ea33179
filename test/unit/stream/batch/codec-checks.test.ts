import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  COMPRESSION_CODES,
  type Compression,
  decompress,
} from '../../../../stream/batch/compression.js';
import { xxh32 } from '../../../../stream/batch/xxh32.js';
import {
  batchOf,
  fewRecords,
  foreignSection,
  foreignSections,
  gzipWithFields,
  lz4Block,
  lz4Frame,
  withLz4Checksum,
  xerial,
} from '../../../support/codec-forms.js';
import { concat, craft, decodeAll, text } from './support.js';

const LIMIT = 1_000_000;
const plain = fewRecords();

function sectionsOf(records: 'few' | 'many'): [name: string, codec: number, section: Uint8Array][] {
  return [...foreignSections(records)].map(([name, section]) => [
    name,
    COMPRESSION_CODES[name.split('-')[0] as Compression],
    section,
  ]);
}

/** Every bit of bytes[start … end), one at a time. */
function turned(bytes: Uint8Array, start: number, end: number): [place: string, Uint8Array][] {
  return Array.from({ length: 8 * (end - start) }, (_, bit) => {
    const changed = Uint8Array.from(bytes);
    const at = start + (bit >>> 3);
    changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
    return [`byte ${at} bit ${bit & 7}`, changed];
  });
}

/** Also as the batch that a disk's holder could write in place of the plain one. */
function refuse(codec: Compression, section: Uint8Array, why: RegExp, place = ''): void {
  const code = COMPRESSION_CODES[codec];
  assert.throws(
    () => decompress(code, section, LIMIT),
    { code: 'batch-corrupt', message: why },
    place,
  );
  const { error, batches } = decodeAll(batchOf(codec, section));
  assert.deepEqual([error?.code, batches], ['batch-corrupt', []], place);
}

test('xxh32 is what others compute', () => {
  const known: Record<string, number> = {
    '': 0x02cc5d05,
    a: 0x550d7456,
    abc: 0x32d153ff,
    'Nobody inspects the spammish repetition': 0xe2293b2f,
  };
  for (const [given, hash] of Object.entries(known)) assert.equal(xxh32(text(given)), hash, given);
});

test('what other programs compress is read, with every checksum and size that they add', () => {
  for (const [name, codec, section] of sectionsOf('few')) {
    assert.deepEqual(Buffer.from(decompress(codec, section, LIMIT)), Buffer.from(plain), name);
  }
  const [, ...others] = sectionsOf('many').filter(([name]) => name !== 'lz4-linked');
  const many = decompress(COMPRESSION_CODES.zstd, foreignSection('many', 'zstd-everything'), LIMIT);
  for (const [name, codec, section] of others) {
    assert.deepEqual(Buffer.from(decompress(codec, section, LIMIT)), Buffer.from(many), name);
  }
});

test('lz4: every bit of frame descriptor, block, checksums and content size counts', () => {
  const frame = foreignSection('few', 'lz4-everything');
  // Magic, descriptor, content size and checksum; then the block's size and content.
  for (const [place, changed] of turned(frame, 0, 15)) {
    refuse('lz4', changed, /^lz4: (not a frame|frame descriptor|the checksum of the frame)/, place);
  }
  for (const [place, changed] of turned(frame, 15, 19)) refuse('lz4', changed, /^lz4: /, place);
  for (const [place, changed] of turned(frame, 19, 83)) {
    refuse('lz4', changed, /^lz4: the checksum of a block/, place);
  }
  for (const [place, changed] of turned(frame, 83, 87)) {
    refuse('lz4', changed, /^lz4: (a block of|the checksum of a block)/, place);
  }
  for (const [place, changed] of turned(frame, 87, 91)) {
    refuse('lz4', changed, /^lz4: the checksum of the content/, place);
  }
  assert.equal(frame.length, 91);
});

test('lz4: version, reserved bits, dictionary and content size, with the checksum repaired', () => {
  const frame = foreignSection('few', 'lz4-everything');
  const flags = turned(frame, 4, 5).filter(([place]) => !/bit [234]/.test(place));
  const block = turned(frame, 5, 6).filter(([place]) => !/bit [45]/.test(place));
  assert.deepEqual([flags.length, block.length], [5, 6]);
  for (const [place, changed] of [...flags, ...block]) {
    refuse('lz4', withLz4Checksum(changed), /^lz4: frame descriptor/, place);
  }
  for (const [place, changed] of turned(frame, 6, 14)) {
    refuse('lz4', withLz4Checksum(changed), /^lz4: \d+ bytes declared, 371 held/, place);
  }
});

test('lz4: what the content of blocks must be', () => {
  const blocks = [lz4Block(plain)];
  assert.deepEqual(decompress(COMPRESSION_CODES.lz4, lz4Frame(0x7c, blocks, plain), LIMIT), plain);
  const nothing = { bytes: Uint8Array.of(0) };
  refuse('lz4', lz4Frame(0x60, [...blocks, nothing], plain), /holds nothing/);
  refuse('lz4', lz4Frame(0x60, [nothing, ...blocks], plain), /holds nothing/);
  const stored = lz4Frame(0x60, blocks, plain);
  stored[stored.length - 1] = 0x80;
  refuse('lz4', stored, /a block of 0 bytes/);
  refuse('lz4', lz4Frame(0x40, blocks, plain), /frame descriptor/);
  refuse('lz4', foreignSection('many', 'lz4-linked'), /frame descriptor/);
  // A match of 6 from 3 back, then five literals, and one less.
  const start = [0x32, 0x61, 0x62, 0x63, 3, 0];
  const frame = (...end: number[]) =>
    lz4Frame(0x60, [{ bytes: Uint8Array.from([...start, ...end]) }], plain);
  const expected = text('abcabcabcvwxyz');
  const five = frame(0x50, 0x76, 0x77, 0x78, 0x79, 0x7a);
  assert.deepEqual(decompress(COMPRESSION_CODES.lz4, five, LIMIT), expected.slice(0, 14));
  refuse('lz4', frame(0x40, 0x76, 0x77, 0x78, 0x79), /too near to the end/);
});

test('gzip: every bit of the header that means something, and of checksum and length, counts', () => {
  const member = foreignSection('few', 'gzip');
  for (const [place, changed] of turned(member, 0, 3)) refuse('gzip', changed, /no header/, place);
  for (const [place, changed] of turned(member, 3, 4).slice(5)) {
    refuse('gzip', changed, /reserved flags/, place);
  }
  for (const [place, changed] of turned(member, member.length - 8, member.length)) {
    refuse('gzip', changed, /the checksum or length of a member is wrong/, place);
  }
  const fields = gzipWithFields(plain);
  const headerBytes = fields.length - gzipSync(plain).length + 10;
  assert.deepEqual(decompress(1, fields, LIMIT), plain);
  // All that the header's own checksum covers, and that itself.
  for (const [place, changed] of turned(fields, 4, headerBytes)) {
    refuse('gzip', changed, /^gzip: no header/, place);
  }
});

test('gzip: a further member is held to the same', () => {
  const [head, tail] = [plain.subarray(0, 100), plain.subarray(100)];
  const [first, second] = [gzipSync(head), gzipSync(tail)];
  assert.deepEqual(Buffer.from(decompress(1, concat(first, second), LIMIT)), Buffer.from(plain));
  for (const [place, changed] of turned(second, 3, 4).slice(5)) {
    refuse('gzip', concat(first, changed), /reserved flags/, place);
  }
  for (const [place, changed] of turned(second, second.length - 8, second.length)) {
    refuse('gzip', concat(first, changed), /the checksum or length/, place);
  }
  const empty = gzipSync('');
  assert.equal(gunzipSync(empty).length, 0);
  refuse('gzip', concat(first, second, empty), /a further member without data/);
});

test('snappy: magic and both versions of a xerial stream count, of a second one too', () => {
  const stream = xerial(plain, 100);
  for (const [place, changed] of turned(stream, 0, 8))
    refuse('snappy', changed, /^snappy: /, place);
  for (const [place, changed] of turned(stream, 8, 16)) {
    refuse('snappy', changed, /a stream of version/, place);
  }
  const [first, second] = [xerial(plain.subarray(0, 100), 50), xerial(plain.subarray(100), 50)];
  assert.deepEqual(decompress(2, concat(first, second), LIMIT), plain);
  for (const [place, changed] of turned(second, 0, 16)) {
    refuse('snappy', concat(first, changed), /^snappy: /, place);
  }
  refuse('snappy', concat(first, second.subarray(0, 16), second), /a stream without blocks/);
});

test('zstd: magic, reserved bit, dictionary, content size, block kind and checksum count', () => {
  const frame = foreignSection('few', 'zstd-everything');
  for (const [place, changed] of turned(frame, 0, 4)) refuse('zstd', changed, /not a frame/, place);
  const [, , , reserved] = turned(frame, 4, 5);
  refuse('zstd', reserved?.[1] ?? frame, /a reserved bit/);
  for (const [place, changed] of turned(frame, 5, 7)) refuse('zstd', changed, /^zstd: /, place);
  for (const [place, changed] of turned(frame, frame.length - 4, frame.length)) {
    refuse('zstd', changed, /^zstd: /, place);
  }
  // Flags for a dictionary's number of one byte, and the number 7.
  const [magic, flags, rest] = [frame.subarray(0, 4), frame[4] as number, frame.subarray(5)];
  refuse('zstd', concat(magic, Uint8Array.of(flags | 1, 7), rest), /^zstd: /);
  const block = Uint8Array.from(frame);
  block[7] = (block[7] as number) | 0x06;
  refuse('zstd', block, /a block header/);
});

test('zstd: a window of 128 MiB is the largest, and no block is larger than the window', () => {
  // A content size of two bytes, which is 256 more than it says, and a window in between.
  const frame = foreignSection('few', 'zstd-content-size');
  const window = (descriptor: number) =>
    concat(frame.subarray(0, 4), Uint8Array.of(0x40, descriptor), frame.subarray(5));
  assert.deepEqual(Buffer.from(decompress(4, window(0x88), LIMIT)), Buffer.from(plain));
  for (const descriptor of [0x89, 0x90, 0xf8, 0xff]) {
    refuse('zstd', window(descriptor), /a window of \d+ bytes/);
  }
  // Magic, no content size, the window, a run of so many bytes.
  const run = (descriptor: number, bytes: number) => {
    const header = 1 | (1 << 1) | (bytes << 3);
    const block = [header & 0xff, (header >>> 8) & 0xff, header >>> 16, 0x61];
    return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, descriptor, ...block);
  };
  assert.equal(decompress(4, run(0, 1024), LIMIT).length, 1024);
  refuse('zstd', run(0, 1025), /a block header/);
  assert.equal(decompress(4, run(0x58, 128 * 1024), LIMIT).length, 128 * 1024);
  refuse('zstd', run(0x58, 128 * 1024 + 1), /a block header/);
  refuse(
    'zstd',
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0x10, 0, 0, 0x61, 0x62, 5, 0, 0),
    /no bytes/,
  );
});

test('an empty section is not decompressed, whatever codec is assigned to it', () => {
  for (const attributes of [0, 1, 2, 3, 4]) {
    const { error, next } = decodeAll(craft({ attributes, lastOffsetDelta: 4 }));
    assert.deepEqual([error, next], [null, 5n]);
  }
  for (const attributes of [5, 6, 7]) {
    assert.equal(decodeAll(craft({ attributes })).error?.code, 'unsupported');
  }
});
