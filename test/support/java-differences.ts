import { gzipSync } from 'node:zlib';
import { COMPRESSION_CODES, type Compression } from '../../stream/batch/compression.js';
import { RECORDS_AT, RECORDS_COUNT_AT } from '../../stream/batch/layout.js';
import { concat, craft, text, withCrc } from '../unit/stream/batch/support.js';
import {
  batchOf,
  fewRecords,
  foreignSection,
  gzipWithFields,
  javaFixture,
  lz4Block,
  lz4Frame,
  xerial,
} from './codec-forms.js';
import { librdkafkaBatch } from './codec-seeds.js';
import { compress, compressLz4, compressZstd } from './compress.js';
import type { Reading } from './java-batches.js';

/** A kind of batch that we read and Kafka's Java client does not, or the other way round. */
export interface Difference {
  readonly name: string;
  readonly reader: 'we' | 'java';
  /** Why it is so and stays so. */
  readonly reason: string;
  /** Whether these bytes are such a batch; `why` says why one of the two does not read them. */
  readonly applies: (bytes: Uint8Array, why: string) => boolean;
  /** Some batches of the kind. */
  readonly examples: () => readonly Uint8Array[];
  /** Newer versions of Java refuse it as we do. */
  readonly vanishes?: boolean;
}

const CONTROL_BIT = 0x20;

/** The one difference that explains what the two readers made of these bytes. */
export function explain(bytes: Uint8Array, ours: Reading, java: Reading): Difference | null {
  if (ours.kind === java.kind) return null;
  const reader = ours.kind === 'read' ? 'we' : 'java';
  const why = ours.kind === 'nothing' ? ours.why : java.kind === 'nothing' ? java.why : '';
  const fits = (one: Difference) => one.reader === reader && one.applies(bytes, why);
  return DIFFERENCES.find(fits) ?? null;
}

function recordsCount(bytes: Uint8Array): number | null {
  if (bytes.length < RECORDS_AT) return null;
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(RECORDS_COUNT_AT);
}

function says(pattern: RegExp): Difference['applies'] {
  return (_, why) => pattern.test(why);
}

/** The three records in this form. */
function formsOf(codec: Compression, ...sections: Uint8Array[]): readonly Uint8Array[] {
  return sections.map((section) => batchOf(codec, section));
}

/** The bytes with another value at these places. */
function put(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  // Not `slice`: of a Buffer it would be a view.
  const changed = Uint8Array.from(bytes);
  changed.set(values, at < 0 ? bytes.length + at : at);
  return changed;
}

/** length, attributes, timestampDelta 0, offsetDelta, key "k", value "v", no header. */
function record(zigzagDelta: number): Uint8Array {
  return Uint8Array.of(16, 0, 0, zigzagDelta, 2, 0x6b, 2, 0x76, 0);
}

const plain = fewRecords();
const [head, tail] = [plain.subarray(0, 40), plain.subarray(40)];
const checkedFrame = lz4Frame(0x64, [lz4Block(plain)], plain);
const stream = xerial(plain, 1000);
const [snappyHead, snappyTail] = [xerial(head, 1000), xerial(tail, 1000)];
const member = gzipSync(plain);
const frame = compressZstd(plain);

export const DIFFERENCES: readonly Difference[] = [
  {
    name: 'offsets out of their order or range',
    reader: 'java',
    reason:
      'FORMAT §3a rule 4: Java hands such records out at the offsets they claim, and its position ' +
      'jumps; the chain holds strictly increasing offsets within the batch',
    applies: says(/: (?:offset delta -?\d+ after|base offset -?\d+ with last offset delta)/),
    examples: () => [
      batchOf('none', concat(record(0), record(0)), 2),
      batchOf('gzip', gzipSync(concat(record(0), record(40))), 2),
      batchOf('none', record(1), 1),
      craft({ baseOffset: -5n, recordsCount: 1, records: record(0) }),
      craft({ lastOffsetDelta: -1, recordsCount: 1, records: record(0) }),
      craft({ baseOffset: 2n ** 63n - 1n, recordsCount: 1, records: record(0) }),
    ],
  },
  {
    name: 'lengths below −1',
    reader: 'java',
    reason: 'FORMAT §3a rule 5: Java takes any negative length for null, librdkafka only −1',
    applies: says(/: a (?:key|value|header value) of -\d+ bytes/),
    examples: () => {
      const records = Uint8Array.of(18, 0, 0, 0, 1, 1, 2, 2, 0x68, 1);
      return [put(records, 4, 3), put(records, 5, 5), put(records, 9, 0x7f)].flatMap((odd) => [
        batchOf('none', odd, 1),
        batchOf('gzip', gzipSync(odd), 1),
      ]);
    },
  },
  {
    name: 'no records in a section that is not empty',
    reader: 'java',
    reason:
      'FORMAT §3a rule 2: Java reads none of the section, whatever it holds; its bytes would be ' +
      'in no entry of the chain',
    applies: (bytes) => recordsCount(bytes) === 0 && bytes.length > RECORDS_AT,
    examples: () => [
      batchOf('none', plain, 0),
      batchOf('gzip', member, 0),
      batchOf('zstd', text('no zstd'), 0),
    ],
  },
  {
    name: 'no records in an empty section, with a codec',
    reader: 'we',
    reason:
      'FORMAT §3a rule 1: an empty section is not decompressed; there is no record that Java could ' +
      'miss, and no client sends such a batch',
    applies: (bytes) => recordsCount(bytes) === 0 && bytes.length === RECORDS_AT,
    examples: () =>
      (['gzip', 'snappy', 'lz4'] as const).map((codec) => batchOf(codec, new Uint8Array(0), 0)),
  },
  {
    name: 'control batches that do not read',
    reader: 'we',
    reason:
      'FORMAT §3: control records are not data and are skipped unread; brokers refuse control ' +
      'batches from producers',
    applies: (bytes) => ((bytes[22] ?? 0) & CONTROL_BIT) !== 0,
    examples: () => [
      craft({ attributes: CONTROL_BIT, recordsCount: 1, records: text('no record') }),
      craft({ attributes: CONTROL_BIT | COMPRESSION_CODES.lz4, records: text('no frame') }),
    ],
  },
  {
    name: 'more than 64 MiB of records',
    reader: 'java',
    reason: 'FORMAT §3a rule 1: whoever reads hostile bytes has to stop somewhere',
    applies: says(/decompress to more than/),
    examples: () => {
      // Of one record with a value of 65 MiB.
      const value = Buffer.alloc(65 * 1024 * 1024);
      const fields = concat(Uint8Array.of(0, 0, 0, 1), varint(value.length));
      const length = varint(fields.length + value.length + 1);
      const records = concat(length, fields, value, Uint8Array.of(0));
      return [batchOf('zstd', compress('zstd', records), 1)];
    },
  },
  {
    name: 'messages of the formats before Kafka 0.11',
    reader: 'java',
    reason: 'they have no body as FORMAT §2 defines it',
    applies: says(/: message format v[01]/),
    examples: () => [javaFixture('magic-0'), javaFixture('magic-1')],
  },
  {
    name: 'gzip: reserved flags',
    reader: 'java',
    reason: 'RFC 1952 §2.3.1.2: must be zero; zlib, and with it librdkafka, refuses them',
    applies: says(/: gzip: reserved flags/),
    examples: () =>
      formsOf('gzip', put(member, 3, 0x20), put(member, 3, 0x40), put(member, 3, 0x80)),
  },
  {
    name: 'gzip: a header behind the end, without a member',
    reader: 'java',
    reason:
      'some versions of Java do not look at less than 18 bytes behind a member; a header is where ' +
      'the next one begins, and it is cut short',
    applies: says(/: gzip: (?:a member is cut short|unexpected end of file)/),
    examples: () => formsOf('gzip', concat(member, member.subarray(0, 12))),
    vanishes: true,
  },
  {
    name: 'gzip: further members without data',
    reader: 'java',
    reason: 'Java calls itself for each of them, and some thousands overflow its stack',
    applies: says(/: gzip: a further member without data/),
    examples: () => formsOf('gzip', concat(member, gzipWithFields(new Uint8Array(0)))),
  },
  {
    name: 'snappy: versions of a xerial stream',
    reader: 'java',
    reason:
      'there is version 1, and nobody knows how to read another; Java looks at it only later on',
    applies: says(/: snappy: a stream of version/),
    examples: () =>
      formsOf(
        'snappy',
        put(stream, 11, 2),
        put(stream, 8, 1),
        put(stream, 15, 3),
        put(stream, 11, 0),
      ),
  },
  {
    name: 'snappy: a second stream with another magic',
    reader: 'java',
    reason:
      'it is neither a block nor a stream; Java passes over sixteen bytes that begin like one',
    applies: says(/: snappy: a block of 2186497601 bytes is cut short/),
    examples: () => formsOf('snappy', concat(snappyHead, put(snappyTail, 6, 0))),
  },
  {
    name: 'snappy: streams without blocks',
    reader: 'java',
    reason: 'Java calls itself for each of them, and some thousands overflow its stack',
    applies: says(/: snappy: a stream without blocks/),
    examples: () => formsOf('snappy', concat(snappyHead, snappyTail.subarray(0, 16), snappyTail)),
  },
  {
    name: 'lz4: content checksum and content size',
    reader: 'java',
    reason: 'Java does not check them; liblz4, and with it librdkafka, does',
    applies: says(/: lz4: (?:the checksum of the content|\d+ bytes declared)/),
    examples: () =>
      formsOf(
        'lz4',
        put(checkedFrame, -1, 0),
        lz4Frame(0x68, [lz4Block(plain)], plain, plain.length + 1),
        lz4Frame(0x68, [lz4Block(plain)], plain, 0),
      ),
  },
  {
    name: 'lz4: an end mark with the bit of stored blocks',
    reader: 'java',
    reason: 'the end mark is 0; liblz4 takes this for a block of nothing and reads on',
    applies: says(/: lz4: a block of 0 bytes/),
    examples: () => formsOf('lz4', put(compressLz4(plain), -1, 0x80)),
  },
  {
    name: 'lz4: blocks that hold nothing',
    reader: 'java',
    reason: 'Java takes them for the end, or reads on, by the sizes of its buffers',
    applies: says(/: lz4: a block that holds nothing/),
    examples: () =>
      formsOf('lz4', lz4Frame(0x60, [lz4Block(plain), { bytes: Uint8Array.of(0) }], plain)),
  },
  {
    name: 'lz4: a match of distance 0',
    reader: 'java',
    reason: 'the format has none; Java makes something up',
    applies: says(/: lz4: a match 0 bytes back/),
    examples: () => {
      // The record's value is a match: 8 bytes 0 back.
      const start = Uint8Array.of(2 * 14, 0, 0, 0, 1, 2 * 8);
      const last = Uint8Array.of(0, 2 * 6, 0, 0, 2, 1, 1, 0);
      const sequence = concat(Uint8Array.of(0x64), start, Uint8Array.of(0, 0));
      const block = concat(sequence, Uint8Array.of(0x80), last);
      return [batchOf('lz4', lz4Frame(0x60, [{ bytes: block }], plain), 2)];
    },
  },
  {
    name: 'zstd: a frame behind the first that is cut short',
    reader: 'java',
    reason:
      "Java's stream takes the end of its input for the end of the frame where it had read the " +
      'frame before from the same buffer; every other client refuses it',
    applies: says(
      /: zstd: (?:not a frame|a (?:skippable )?frame (?:is cut short|header|has no last block))/,
    ),
    examples: () =>
      formsOf(
        'zstd',
        concat(frame, frame.subarray(0, 1)),
        concat(frame, frame.subarray(0, 7)),
        concat(frame, Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0, 1)),
      ),
  },
  {
    name: 'zstd: a window of more than 128 MiB, or blocks larger than the window',
    reader: 'java',
    reason:
      "Java's stream refuses them too, but for frames that fit whole into the buffer it happens to have",
    applies: says(/: zstd: a (?:window of|block header)/),
    examples: () => {
      // With a window in place of the single segment: flags 0x40 and a content size of two bytes.
      const size = plain.length - 256;
      const window = (descriptor: number) =>
        concat(
          Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x40, descriptor, size & 0xff, size >>> 8),
          frame.subarray(7),
        );
      return formsOf('zstd', window(0x89));
    },
  },
  {
    name: 'zstd: a compressed block of no bytes',
    reader: 'java',
    reason: 'RFC 8878 has none; libzstd refuses it where it decodes a frame at once',
    applies: says(/: zstd: a compressed block of no bytes/),
    examples: () => {
      // Behind a block that is no longer the last; the frame does not tell its content size.
      const unsized = foreignSection('few', 'zstd');
      return formsOf(
        'zstd',
        concat(put(unsized, 6, (unsized[6] as number) & ~1), Uint8Array.of(5, 0, 0)),
      );
    },
  },
  {
    name: 'zstd: literals whose bits are not used up',
    reader: 'java',
    reason:
      'RFC 8878 §4.2.2: then the data are corrupt; libzstd checks it, but not in the faster loop ' +
      'that it has for machines of 64 bits (ours is compiled for 32)',
    applies: says(/: zstd: a broken block/),
    examples: () => [withCrc(put(librdkafkaBatch('zstd-transactional', 2), RECORDS_AT + 278, 127))],
  },
];

/** Zigzag. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = 2 * value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}
