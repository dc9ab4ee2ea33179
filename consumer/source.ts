/**
 * One partition as a verifier reads it. All that the stream hands out by whatever way is looked at:
 * what is read in order goes to whoever walks, what is out of place is kept as evidence, and what
 * is handed out at the places that were noted on the way is held against what was walked there.
 */
import type { Checkpoint } from '../ledger/checkpoint.js';
import { decodeEntry } from '../ledger/entry.js';
import { SealstreamError } from '../ledger/error.js';
import { chainOver } from '../ledger/log.js';
import { equalBytes } from '../ledger/text.js';
import { lookAt, type ReadOptions, readBounds, readRange } from '../stream/read.js';
import type {
  Bounds,
  Fetched,
  RecordBatch,
  Stray,
  Stream,
  TopicIdentity,
} from '../stream/stream.js';
import type { Timing } from './options.js';
import { type Place, Places, type Probe, type Probes } from './places.js';
import { Strays, union } from './strays.js';

/** What to read with; `recycle`: whoever reads looks at what was read only until it asks for more. */
export type SourceOptions = Timing & Pick<ReadOptions, 'recycle'> & { readonly probes?: Probes };

/** Probed while the log is walked, so that a long one needs no more memory than a short one. */
const ENOUGH_PLACES = 1024;
/** What follows a batch begins within so many bytes: a header. */
const HEADER_BYTES = 61;

export class Source {
  readonly partition: number;
  readonly identity: TopicIdentity;
  /** How far the last read came. */
  position = 0n;
  readonly strays = new Strays();
  places: Places;
  /** Places sought so far, of those that are counted. */
  probed = 0;
  /** Where each fetch began that brought what was not compared with a checkpoint yet. */
  #starts: bigint[] = [];
  readonly #stream: Stream;
  readonly #options: SourceOptions;

  constructor(stream: Stream, identity: TopicIdentity, partition: number, options: SourceOptions) {
    this.#stream = stream;
    this.identity = identity;
    this.partition = partition;
    this.#options = options;
    this.places = new Places(options.probes ?? 0);
  }

  /** Names the partition in messages. */
  get place(): string {
    return `${this.identity.topic}/${this.partition}`;
  }

  /**
   * The bounds; where the high watermark is below `sealed`, those of a second look. After a leader
   * change a high watermark goes back for about a second, and that alone proves nothing.
   */
  async bounds(sealed: bigint): Promise<Bounds> {
    const options = this.#options;
    const { partition, identity } = this;
    const first = await readBounds(this.#stream, identity, partition, options);
    if (first.highWatermark >= sealed) return first;
    await pause(this.#options.confirmMs, this.#options.signal);
    return readBounds(this.#stream, identity, partition, options);
  }

  /** [from, until) in order. Throws what the stream says. */
  async *read(from: bigint, until: bigint): AsyncGenerator<Fetched> {
    // Its own, because another reading may go on between two answers of this one.
    let position = from;
    this.position = position;
    const range = { partition: this.partition, from, until };
    const options = { ...this.#options, withStrays: true };
    for await (const fetched of readRange(this.#stream, this.identity, range, options)) {
      for (const stray of fetched.strays) this.strays.add(stray);
      this.#starts.push(position);
      position = fetched.next.offset;
      this.position = position;
      yield fetched;
    }
  }

  /** What was read up to here agrees with a checkpoint. */
  agreed(): void {
    this.#starts = this.#starts.slice(-1);
  }

  /**
   * [from, until) once more, beginning anew wherever a fetch of what did not agree began: from other
   * offsets a broker might begin elsewhere in its files, and show what it did not show before.
   */
  async *readAgain(from: bigint, until: bigint): AsyncGenerator<Fetched> {
    const within = this.#starts.filter((start) => start > from && start < until);
    const starts = [...new Set([from, ...within])].sort((a, b) => (a < b ? -1 : 1));
    for (const [index, start] of starts.entries()) {
      const end = starts[index + 1] ?? until;
      for await (const fetched of this.read(start, end)) {
        // A fetch may bring more than was asked for, which the next one begins with.
        const batches = fetched.batches.filter(({ baseOffset }) => baseOffset < end);
        yield { ...fetched, batches };
      }
    }
  }

  /** The log is another one than it was: what was noted of it says nothing any more. */
  startOver(): void {
    this.places = new Places(this.#options.probes ?? 0);
    this.#starts = [];
  }

  /** The record that a checkpoint ends with, where the walk begins behind it. */
  seekLast({ chain, size }: Pick<Checkpoint, 'chain' | 'size'>, last: Uint8Array): void {
    if (size === 0n) return;
    const { offset, previous } = decodeEntry(last);
    const to = offset + 1n;
    const record = { base: null, next: to, from: offset, to, before: previous, behind: chain };
    this.places.seek(offset, { ...record, sizeInBytes: 1 });
  }

  get isDue(): boolean {
    return this.places.ready >= ENOUGH_PLACES;
  }

  /** Seeks to the places that are noted; `isEnd`: to all of them. Throws what the stream says. */
  async probe(isEnd: boolean): Promise<void> {
    const doubted: Probe[] = [];
    await this.#lookAt(this.places.take(isEnd), (probe) => doubted.push(probe));
    // Over a new connection: the offset of a batch is covered by no checksum.
    const again = doubted.map((probe) => ({ ...probe, isCounted: false }));
    await this.#lookAt(again, (_probe, range) => this.strays.add(range));
  }

  /** What would lead those astray who seek on a broker that has these files. */
  async checkIndexes(): Promise<void> {
    const stream = this.#stream;
    const ranges = (await stream.misleadingRanges?.(this.identity, this.partition)) ?? [];
    for (const range of ranges) this.strays.add(range);
  }

  async #lookAt(
    probes: readonly Probe[],
    differs: (probe: Probe, range: Stray) => void,
  ): Promise<void> {
    const looks = probes.map(({ offset, places }) => {
      const bytes = places.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, HEADER_BYTES);
      return { offset, bytes };
    });
    for (let at = 0; at < probes.length; at++) {
      const rest = looks.slice(at);
      try {
        const answers = lookAt(this.#stream, this.identity, this.partition, rest, this.#options);
        for await (const fetched of answers) {
          const probe = probes[at++] as Probe;
          for (const stray of fetched.strays) this.strays.add(stray);
          const range = differenceIn(fetched.batches, probe);
          if (range !== null) differs(probe, range);
          if (probe.isCounted) this.probed++;
        }
      } catch (error) {
        const probe = probes[at];
        const isCorrupt = error instanceof SealstreamError && error.code === 'batch-corrupt';
        if (!isCorrupt || probe === undefined) throw error;
        // Confirmed by a second look already; the places behind it are still to be looked at.
        for (const place of probe.places) this.strays.add(place);
      }
    }
  }
}

/** The offsets at which the batches are not those that were walked; null: they are, as far as they go. */
function differenceIn(batches: readonly RecordBatch[], { offset, places }: Probe): Stray | null {
  const [first] = places;
  if (batches.length === 0 && first !== undefined) return { from: offset, to: first.next };
  for (const [index, place] of places.entries()) {
    const batch = batches[index];
    if (batch === undefined || isPlace(batch, place)) continue;
    return union({ from: batch.baseOffset, to: batch.nextOffset }, place);
  }
  return null;
}

function isPlace(batch: RecordBatch, { base, next, from, to, before, behind }: Place): boolean {
  if (base !== null && (batch.baseOffset !== base || batch.nextOffset !== next)) return false;
  const { offsets, count } = batch;
  let start = 0;
  while (start < count && (offsets[start] as bigint) < from) start++;
  let end = start;
  while (end < count && (offsets[end] as bigint) < to) end++;
  return equalBytes(chainOver(before, batch, start, end), behind);
}

/** Waits; rejects with the signal's reason when it is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
