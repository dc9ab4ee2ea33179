import { asHash, HASH_LENGTH, type Hash } from '../ledger/hash.js';
import { equalBytes } from '../ledger/text.js';

/** What one validly signed checkpoint says about its log, without its note. */
export interface Point {
  readonly size: bigint;
  readonly next: bigint;
  readonly chain: Hash;
  readonly root: Hash;
  /** Offset of its record in the checkpoint topic, or one of the two below. */
  readonly at: bigint;
}

/** A point whose evidence is in the verifier's memory. */
export const IN_MEMORY = -1n;
/** A point whose record's headers prove nothing, so that nothing can be resumed there. */
export const NO_EVIDENCE = -2n;

const INITIAL_CAPACITY = 64;

/** Points as plain data, to be sent to another thread; without where their records are. */
export interface PointColumns {
  readonly sizes: BigInt64Array<ArrayBuffer>;
  readonly nexts: BigInt64Array<ArrayBuffer>;
  /** Chain and root of each, joined. */
  readonly hashes: Uint8Array<ArrayBuffer>;
}

/**
 * The checkpoints of one log in columns, about 100 bytes each: a log that is sealed every ten
 * seconds has millions a year where the topic was never compacted.
 */
export class Points {
  #length = 0;
  #sizes = new BigInt64Array(INITIAL_CAPACITY);
  #nexts = new BigInt64Array(INITIAL_CAPACITY);
  #ats = new BigInt64Array(INITIAL_CAPACITY);
  #hashes = new Uint8Array(INITIAL_CAPACITY * 2 * HASH_LENGTH);

  static of({ sizes, nexts, hashes }: PointColumns): Points {
    const points = new Points();
    points.#length = sizes.length;
    points.#sizes = sizes;
    points.#nexts = nexts;
    points.#ats = new BigInt64Array(sizes.length).fill(NO_EVIDENCE);
    points.#hashes = hashes;
    return points;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies of the points [from, to). */
  columns(from: number, to: number): PointColumns {
    const width = 2 * HASH_LENGTH;
    return {
      sizes: this.#sizes.slice(from, to),
      nexts: this.#nexts.slice(from, to),
      hashes: this.#hashes.slice(from * width, to * width),
    };
  }

  add(checkpoint: Omit<Point, 'at'>, at: bigint): void {
    if (this.#length === this.#sizes.length) this.#makeRoom();
    const index = this.#length++;
    this.#sizes[index] = checkpoint.size;
    this.#nexts[index] = checkpoint.next;
    this.#ats[index] = at;
    this.#hashes.set(checkpoint.chain, index * 2 * HASH_LENGTH);
    this.#hashes.set(checkpoint.root, (index * 2 + 1) * HASH_LENGTH);
  }

  /** `size` alone, without making a point. */
  sizeOf(index: number): bigint {
    return this.#sizes[index] ?? 0n;
  }

  /** `next` alone, without making a point. */
  nextOf(index: number): bigint {
    return this.#nexts[index] ?? 0n;
  }

  get(index: number): Point {
    if (index < 0 || index >= this.#length) throw new RangeError(`no point ${index}`);
    const start = index * 2 * HASH_LENGTH;
    return {
      size: this.#sizes[index] ?? 0n,
      next: this.#nexts[index] ?? 0n,
      chain: asHash(this.#hashes.subarray(start, start + HASH_LENGTH)),
      root: asHash(this.#hashes.subarray(start + HASH_LENGTH, start + 2 * HASH_LENGTH)),
      at: this.#ats[index] ?? 0n,
    };
  }

  /**
   * By (size, next), once each: heartbeats repeat a head, and the last of them with evidence stands
   * for all. Points that contradict each other all stay, so that the contradiction is seen.
   */
  sorted(): Points {
    const order = Uint32Array.from({ length: this.#length }, (_, index) => index);
    order.sort((a, b) => this.#compare(a, b));
    const result = new Points();
    for (let i = 0; i < order.length; i++) {
      const index = order[i] ?? 0;
      const following = order[i + 1];
      if (following !== undefined && this.#repeats(index, following)) continue;
      result.#copy(this, index);
    }
    return result;
  }

  #compare(a: number, b: number): number {
    const size = (this.#sizes[a] ?? 0n) - (this.#sizes[b] ?? 0n);
    if (size !== 0n) return size < 0n ? -1 : 1;
    const next = (this.#nexts[a] ?? 0n) - (this.#nexts[b] ?? 0n);
    if (next !== 0n) return next < 0n ? -1 : 1;
    return (this.#ats[a] ?? 0n) < (this.#ats[b] ?? 0n) ? -1 : 1;
  }

  #repeats(a: number, b: number): boolean {
    const width = 2 * HASH_LENGTH;
    return (
      this.#sizes[a] === this.#sizes[b] &&
      this.#nexts[a] === this.#nexts[b] &&
      equalBytes(
        this.#hashes.subarray(a * width, (a + 1) * width),
        this.#hashes.subarray(b * width, (b + 1) * width),
      )
    );
  }

  #copy(from: Points, index: number): void {
    if (this.#length === this.#sizes.length) this.#grow();
    const width = 2 * HASH_LENGTH;
    const to = this.#length++;
    this.#sizes[to] = from.#sizes[index] ?? 0n;
    this.#nexts[to] = from.#nexts[index] ?? 0n;
    this.#ats[to] = from.#ats[index] ?? 0n;
    this.#hashes.set(from.#hashes.subarray(index * width, (index + 1) * width), to * width);
  }

  /** A principal that may write to the topic can publish what was signed a million times over. */
  #makeRoom(): void {
    const once = this.sorted();
    if (once.#length > this.#length / 2) {
      this.#grow();
      return;
    }
    for (this.#length = 0; this.#length < once.#length; ) this.#copy(once, this.#length);
  }

  #grow(): void {
    const capacity = this.#sizes.length * 2;
    const sizes = new BigInt64Array(capacity);
    sizes.set(this.#sizes);
    this.#sizes = sizes;
    const nexts = new BigInt64Array(capacity);
    nexts.set(this.#nexts);
    this.#nexts = nexts;
    const ats = new BigInt64Array(capacity);
    ats.set(this.#ats);
    this.#ats = ats;
    const hashes = new Uint8Array(capacity * 2 * HASH_LENGTH);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
  }
}
