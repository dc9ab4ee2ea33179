import { type Checkpoint, openCheckpoint, parseCheckpoint } from '../ledger/checkpoint.js';
import { checkpointConflict } from '../ledger/conflict.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import { parseNote } from '../ledger/note.js';
import { readCheckpointRecords } from '../stream/checkpoint-topic.js';
import type { Stream, TopicIdentity } from '../stream/stream.js';

/** FORMAT §5: a longer note is not accepted. */
const MAX_NOTE_BYTES = 128 * 1024;
const MAX_ORIGIN_BYTES = 255;
const LINE_FEED = 0x0a;

export interface PublishedHead {
  readonly checkpoint: Checkpoint;
  /** The note, verbatim. */
  readonly note: string;
}

export interface HeadQuery {
  readonly origin: string;
  /** What the memory holds: only checkpoints that could outrank or contradict it are opened. */
  readonly floor: Checkpoint | null;
}

export interface HeadAnswer {
  /** The largest (size, time) that is validly signed and not smaller than the floor's size. */
  readonly head: PublishedHead | null;
  /** Why a validly signed checkpoint contradicts the floor or the head; null where none does. */
  readonly conflict: string | null;
}

interface Search {
  readonly query: HeadQuery;
  head: PublishedHead | null;
  conflict: string | null;
}

interface Waiting {
  readonly search: Search;
  readonly resolve: (answer: HeadAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Finds the published heads of many logs in one pass over the checkpoint topic. A signature is
 * checked only for a checkpoint that could change the answer, so a pass costs no signature per hour
 * of the past and a flood of forged notes costs no memory.
 */
export class PublishedHeads {
  readonly #stream: Stream;
  readonly #topic: TopicIdentity;
  readonly #publicKey: PublicKey;
  readonly #timeoutMs: number;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(stream: Stream, topic: TopicIdentity, publicKey: PublicKey, timeoutMs: number) {
    this.#stream = stream;
    this.#topic = topic;
    this.#publicKey = publicKey;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Answers from a pass that begins after this call: what the caller has read from the memory
   * before is then never newer than what the topic shows.
   */
  find(query: HeadQuery): Promise<HeadAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ search: { query, head: null, conflict: null }, resolve, reject });
      if (!this.#running) {
        this.#running = true;
        // Partitions that are taken over together ask in the same turn and share the pass.
        setImmediate(() => void this.#passes());
      }
    });
  }

  async #passes(): Promise<void> {
    while (this.#waiting.length > 0) {
      const asked = this.#waiting;
      this.#waiting = [];
      try {
        await this.#pass(asked.map((waiting) => waiting.search));
        for (const { search, resolve } of asked) {
          resolve({ head: search.head, conflict: search.conflict });
        }
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#running = false;
  }

  async #pass(searches: readonly Search[]): Promise<void> {
    const byOrigin = new Map<string, Search[]>();
    for (const search of searches) {
      const same = byOrigin.get(search.query.origin);
      if (same === undefined) byOrigin.set(search.query.origin, [search]);
      else same.push(search);
    }
    const options = { timeoutMs: this.#timeoutMs };
    for await (const record of readCheckpointRecords(this.#stream, this.#topic, options)) {
      const value = record.value;
      if (value === null || value.length > MAX_NOTE_BYTES) continue;
      const origin = firstLine(value);
      const asking = origin === null ? undefined : byOrigin.get(origin);
      if (asking === undefined) continue;
      for (const search of asking) this.#consider(search, value);
    }
  }

  #consider(search: Search, note: Uint8Array): void {
    const { origin } = search.query;
    const claimed = unverified(note);
    // What opens with no key, or does not parse, is for the verifier to report; it binds nobody.
    if (claimed === 'malformed') return;
    if (claimed !== 'unknown-version' && !couldMatter(search, claimed)) return;
    let checkpoint: Checkpoint;
    try {
      checkpoint = openCheckpoint(note, origin, this.#publicKey);
    } catch (error) {
      if (error instanceof SealstreamError && error.code === 'unknown-version') {
        search.conflict ??= `a signed checkpoint of ${origin} has another format version`;
      } else if (!(error instanceof SealstreamError && error.class === 'data')) {
        throw error;
      }
      return;
    }
    const known = search.query.floor ?? search.head?.checkpoint;
    if (known !== undefined) search.conflict ??= checkpointConflict(known, checkpoint);
    if (search.head === null || outranks(checkpoint, search.head.checkpoint)) {
      search.head = { checkpoint, note: new TextDecoder().decode(note) };
    }
  }
}

/** By (size, time): the head of a log is what nothing outranks. */
export function outranks(a: Checkpoint, b: Checkpoint): boolean {
  return a.size > b.size || (a.size === b.size && a.time > b.time);
}

function couldMatter(search: Search, claimed: Checkpoint): boolean {
  const { floor } = search.query;
  if (floor !== null) return claimed.size >= floor.size || claimed.first !== floor.first;
  const head = search.head?.checkpoint;
  return head === undefined || claimed.size >= head.size || claimed.first !== head.first;
}

function firstLine(note: Uint8Array): string | null {
  const end = note.subarray(0, MAX_ORIGIN_BYTES + 1).indexOf(LINE_FEED);
  return end < 0 ? null : new TextDecoder().decode(note.subarray(0, end));
}

/** The checkpoint as the note claims it, no signature looked at. */
function unverified(note: Uint8Array): Checkpoint | 'malformed' | 'unknown-version' {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch (error) {
    if (!(error instanceof SealstreamError)) throw error;
    return error.code === 'unknown-version' ? 'unknown-version' : 'malformed';
  }
}
