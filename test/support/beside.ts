import type { Random } from '../../bench/chaos/random.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import type { Stream } from '../../stream/stream.js';
import { forgedCopy, putBeside, storedBatches } from './forgery.js';
import { MadeLedger, type Sealed } from './made-ledger.js';

/** Where the batch stands beside which a forged copy is put. */
export const SPOTS = ['middle', 'checkpoint', 'fetch', 'last'] as const;
export type Spot = (typeof SPOTS)[number];

/** A fetch from Kafka brings at most so many bytes: see stream/kafka/fetch/reader.ts. */
const FETCH_BYTES = 1536 * 1024;
const LARGE_VALUE = 90_000;

/** A sealed log, and the number of the batch beside which the forged copy goes. */
export interface BesideCase {
  readonly made: MadeLedger;
  readonly spot: Spot;
  readonly victim: number;
  /** Its checkpoints in order; the last one covers all. */
  readonly sealed: readonly Sealed[];
  /** What was published, by offset. */
  readonly values: ReadonlyMap<bigint, string>;
}

/** Offsets [from, to) of the forged copy, and an offset at which a reader is given it. */
export interface Forgery {
  readonly from: bigint;
  readonly to: bigint;
  readonly sought: bigint;
}

/** One partition: batches of 1 to 10 records, checkpoints behind some of them and the last. */
export async function makeCase(
  stream: Stream,
  topic: string,
  spot: Spot,
  random: Random,
): Promise<BesideCase> {
  const made = await MadeLedger.create(stream, { topic, partitions: 1 });
  const count = spot === 'fetch' ? 24 : random.whole(6, 30);
  const victim = victimOf(spot, count, random);
  const batches =
    spot === 'fetch' ? largeBatches(count, victim, random) : smallBatches(count, random);
  const sealedAfter = new Set([count - 1]);
  for (let wanted = random.whole(1, 4); wanted > 0; wanted--)
    sealedAfter.add(random.whole(0, count - 2));
  if (spot === 'checkpoint') sealedAfter.add(victim - random.whole(0, 1));
  const appender = await stream.appender(made.description);
  const sealed: Sealed[] = [];
  const values = new Map<bigint, string>();
  for (const [number, batch] of batches.entries()) {
    const outcome = await appender.append(0, encoded(batch));
    if (outcome.kind !== 'acknowledged') throw outcome.error;
    for (const value of batch) values.set(BigInt(values.size), value);
    if (sealedAfter.has(number)) sealed.push(await made.seal(0));
  }
  await appender.close();
  return { made, spot, victim, sealed, values };
}

/** Changes a stopped stream's files. */
export function forge({ made, victim }: BesideCase, root: string, random: Random): Forgery {
  const batch = storedBatches(root, made.topic)[victim];
  if (batch === undefined) throw new Error(`${made.topic} has no batch ${victim}`);
  const { baseOffset: from, nextOffset: to } = batch.header;
  // Kafka makes an index anew that leads nowhere but to the segment's own base offset.
  const entry = from + BigInt(random.whole(from === 0n ? 1 : 0, Number(to - from) - 1));
  putBeside(batch, forgedCopy(batch), entry);
  return { from, to, sought: to - 1n };
}

function victimOf(spot: Spot, count: number, random: Random): number {
  if (spot === 'last') return count - 1;
  return spot === 'fetch' ? random.whole(15, 17) : random.whole(1, count - 2);
}

/** Each batch the values of its records. */
function smallBatches(count: number, random: Random): string[][] {
  return Array.from({ length: count }, () =>
    Array.from({ length: random.whole(2, 10) }, (_, index) => {
      return `record ${index} ${'.'.repeat(random.whole(0, 60))}`;
    }),
  );
}

/** Sized so that the first fetch ends with the victim, or so few bytes behind it that no header fits. */
function largeBatches(count: number, victim: number, random: Random): string[][] {
  const batches = Array.from({ length: count }, (_, number) => {
    return ['record one', `record ${number} ${'.'.repeat(LARGE_VALUE)}`];
  });
  const size = (upTo: number) =>
    batches.slice(0, upTo).reduce((sum, values) => sum + encoded(values).bytes.length, 0);
  const wanted = FETCH_BYTES - random.whole(0, 60);
  const length = LARGE_VALUE + wanted - size(victim + 1);
  batches[victim] = ['record one', `record ${victim} ${'.'.repeat(length)}`];
  if (size(victim + 1) !== wanted) throw new Error(`${size(victim + 1)} bytes, not ${wanted}`);
  return batches;
}

function encoded(values: readonly string[]) {
  const encoder = new BatchEncoder();
  for (const value of values) {
    const parts = { key: Buffer.from('key'), value: Buffer.from(value), headers: [] };
    if (!encoder.add(parts, 0n)) throw new Error('too large for a batch');
  }
  return encoder.finish();
}
