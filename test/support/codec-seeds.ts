import { gzipSync } from 'node:zlib';
import { COMPRESSION_CODES, type Compression } from '../../stream/batch/compression.js';
import { readBatchHeader } from '../../stream/batch/decode.js';
import { RECORDS_AT } from '../../stream/batch/layout.js';
import { concat, text } from '../unit/stream/batch/support.js';
import {
  batchOf,
  fewRecords,
  foreignSections,
  gzipWithFields,
  javaBatches,
  lz4Block,
  lz4Frame,
  xerial,
} from './codec-forms.js';
import { compressZstd } from './compress.js';
import { batchPlaces, FIXTURES, segmentOf } from './librdkafka.js';

/** Every bit of a larger one would take too long. */
const SMALL = 700;
/** What no codec made shorter. */
const TOO_LARGE = 40_000;

export interface Seed {
  readonly name: string;
  /** One batch. */
  readonly bytes: Uint8Array;
}

const SKIPPABLE = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

/** The forms that nobody is known to write, and that clients read all the same. */
function handMade(): Seed[] {
  const plain = fewRecords();
  const [head, tail] = [plain.subarray(0, 40), plain.subarray(40)];
  const blocks = [lz4Block(head), lz4Block(tail)];
  const stored = { bytes: head, stored: true };
  const forms: [string, Compression, Uint8Array][] = [
    ['gzip, all header fields', 'gzip', gzipWithFields(plain)],
    ['gzip, two members', 'gzip', concat(gzipSync(head), gzipWithFields(tail))],
    ['gzip, bytes behind it', 'gzip', concat(gzipSync(plain), text('and so on and so on'))],
    ['snappy, several blocks', 'snappy', xerial(plain, 150)],
    ['snappy, two streams', 'snappy', concat(xerial(head, 30), xerial(tail, 1000))],
    ['snappy, bytes behind it', 'snappy', concat(xerial(plain, 1000), text('abc'))],
    ['lz4, two blocks', 'lz4', lz4Frame(0x7c, blocks, plain)],
    ['lz4, a stored block', 'lz4', lz4Frame(0x74, [stored, lz4Block(tail)], plain)],
    ['lz4, linked blocks', 'lz4', lz4Frame(0x44, blocks, plain)],
    ['lz4, bytes behind it', 'lz4', concat(lz4Frame(0x60, blocks, plain), text('and so on'))],
    [
      'zstd, frames',
      'zstd',
      concat(SKIPPABLE, compressZstd(head), SKIPPABLE, compressZstd(tail), SKIPPABLE),
    ],
  ];
  return forms.map(([name, codec, section]) => ({ name, bytes: batchOf(codec, section) }));
}

function javaSeeds(): Seed[] {
  const names = [...Object.keys(COMPRESSION_CODES), 'log-append-time', 'transaction', 'empty'];
  return names.flatMap((name) =>
    javaBatches(name).map((bytes, index) => ({ name: `Java, ${name} ${index}`, bytes })),
  );
}

function librdkafkaBatches(fixture: string): Uint8Array[] {
  const segment = segmentOf(fixture);
  const places = batchPlaces(segment);
  return places.slice(1).map((end, index) => segment.slice(places[index], end));
}

export function librdkafkaBatch(fixture: string, index: number): Uint8Array {
  const batch = librdkafkaBatches(fixture)[index];
  if (batch === undefined) throw new Error(`no batch ${index} in ${fixture}`);
  return batch;
}

function librdkafkaSeeds(): Seed[] {
  return FIXTURES.flatMap((fixture) =>
    librdkafkaBatches(fixture)
      .map((bytes, index) => ({ name: `librdkafka, ${fixture} ${index}`, bytes }))
      .filter(({ bytes }) => bytes.length <= TOO_LARGE),
  );
}

/** Batches as everybody writes them, in every codec and form. */
export function codecSeeds(): { small: readonly Seed[]; large: readonly Seed[] } {
  const foreign = (['few', 'many'] as const).flatMap((records) =>
    [...foreignSections(records)].map(([name, section]) => ({
      name: `${records}, ${name}`,
      bytes: batchOf(name.split('-')[0] as Compression, section, records === 'few' ? 3 : 400),
    })),
  );
  const seeds = distinct([...javaSeeds(), ...librdkafkaSeeds(), ...foreign, ...handMade()]);
  const isSmall = ({ bytes }: Seed): boolean => bytes.length <= SMALL;
  return { small: seeds.filter(isSmall), large: seeds.filter((seed) => !isSmall(seed)) };
}

/** Without those that differ from one before only in what no decoder reads. */
function distinct(seeds: readonly Seed[]): Seed[] {
  const known = new Map<string, Seed>();
  for (const seed of seeds) {
    const header = readBatchHeader(seed.bytes, 0);
    const read = `${header?.control} ${header?.compression} ${Buffer.from(seed.bytes.subarray(RECORDS_AT)).toString('hex')}`;
    if (!known.has(read)) known.set(read, seed);
  }
  return [...known.values()];
}
