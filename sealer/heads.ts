import {
  type Checkpoint,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  type UncheckedCheckpoint,
  uncheckedCheckpoint,
} from '../ledger/checkpoint.js';
import { checkpointConflict } from '../ledger/conflict.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import { MAX_NOTE_LENGTH, parseNote } from '../ledger/note.js';
import { decodeUtf8 } from '../ledger/text.js';
import { readCheckpointRecords } from '../stream/checkpoint-topic.js';
import { SignatureChecks } from '../stream/signature-checks.js';
import type { Stream, TopicIdentity } from '../stream/stream.js';

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
  /** The largest (size, time) that is validly signed and that the floor does not outrank. */
  readonly head: PublishedHead | null;
  /** Why a validly signed checkpoint contradicts the floor or the head; null where none does. */
  readonly conflict: string | null;
}

interface Search {
  readonly query: HeadQuery;
  /** Everything that could change the answer is opened, not only the largest of the claims. */
  isThorough: boolean;
  /** The largest of the claims so far, its signature not looked at. */
  claimed: { readonly checkpoint: Checkpoint; readonly note: Uint8Array } | null;
  /** The lines of the floor, else of the largest so far: see isPast. */
  known: readonly string[] | null;
  head: PublishedHead | null;
  conflict: string | null;
}

interface Waiting {
  readonly search: Search;
  readonly resolve: (answer: HeadAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Finds the published heads of many logs in one pass over the checkpoint topic. Signatures are checked
 * only where they could change the answer: of what outranks the floor or contradicts it, so that the
 * past costs none, however long it is. A checkpoint that is smaller than the floor binds the sealer
 * too, but only the log's records show whether the floor extends it: to find that is the verifier's.
 *
 * In a topic that only sealers have written to, the largest of the claims is the head and needs the
 * only signature. Where that one is forged, or claims contradict each other, a second pass opens each
 * that matters, side by side.
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
      this.#waiting.push({ search: searchFor(query, false), resolve, reject });
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
        await this.#search(asked.map((waiting) => waiting.search));
        for (const { search, resolve } of asked) {
          resolve({ head: search.head, conflict: search.conflict });
        }
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#running = false;
  }

  async #search(searches: readonly Search[]): Promise<void> {
    await this.#pass(searches);
    const open = searches.filter((search) => !this.#isSettled(search));
    if (open.length === 0) return;
    for (const search of open) Object.assign(search, searchFor(search.query, true));
    await this.#pass(open);
  }

  /** true: the largest of the claims is signed, or there is none. */
  #isSettled(search: Search): boolean {
    const { claimed, query } = search;
    if (search.isThorough) return false;
    if (claimed === null) return true;
    const checkpoint = unlessData(() =>
      openCheckpoint(claimed.note, query.origin, this.#publicKey),
    );
    if (checkpoint === null) return false;
    search.head = { checkpoint, note: decodeUtf8(claimed.note) };
    return true;
  }

  async #pass(searches: readonly Search[]): Promise<void> {
    const byOrigin = new Map<string, Search[]>();
    for (const search of searches) {
      const same = byOrigin.get(search.query.origin);
      if (same === undefined) byOrigin.set(search.query.origin, [search]);
      else same.push(search);
    }
    const options = { timeoutMs: this.#timeoutMs, recycle: true };
    const checks = new SignatureChecks(this.#publicKey);
    for await (const { value } of readCheckpointRecords(this.#stream, this.#topic, options)) {
      if (value === null || value.length > MAX_NOTE_LENGTH) continue;
      const lines = firstLines(value);
      for (const search of byOrigin.get(lines[ORIGIN] ?? '') ?? []) {
        if (search.known !== null && isPast(lines, search.known)) continue;
        const unchecked = this.#consider(search, value, lines);
        if (unchecked === null) continue;
        const note = decodeUtf8(value);
        await checks.inOrder(unchecked, value.length, (valid) =>
          take(search, unchecked, valid, note),
        );
      }
    }
    await checks.end();
  }

  /** What has to be opened to know what the note means for the search; null: nothing. */
  #consider(
    search: Search,
    note: Uint8Array,
    lines: readonly string[],
  ): UncheckedCheckpoint | null {
    const { origin, floor } = search.query;
    const claimed = unverified(note);
    // What opens with no key, or does not parse, is for the verifier to report; it binds nobody.
    if (claimed === 'malformed') return null;
    if (claimed === 'unknown-version' || search.isThorough) return this.#unchecked(note, origin);
    const largest = search.claimed?.checkpoint ?? null;
    const conflicts = couldConflict(floor ?? largest, claimed);
    if (
      largest === null ? floor === null || !outranks(floor, claimed) : outranks(claimed, largest)
    ) {
      search.claimed = { checkpoint: claimed, note: Uint8Array.from(note) };
      if (floor === null) search.known = lines;
    }
    if (!conflicts) return null;
    if (floor !== null) return this.#unchecked(note, origin);
    // Which of the two is signed shows only when each is opened.
    search.isThorough = true;
    return null;
  }

  #unchecked(note: Uint8Array, origin: string): UncheckedCheckpoint | null {
    return unlessData(() => uncheckedCheckpoint(parseNote(note), origin, this.#publicKey));
  }
}

function searchFor(query: HeadQuery, isThorough: boolean): Search {
  const known = query.floor === null ? null : formatCheckpoint(query.floor).split('\n');
  return { query, isThorough, claimed: null, known, head: null, conflict: null };
}

/** What a checkpoint means for the search, once its signatures are checked. */
function take(search: Search, unchecked: UncheckedCheckpoint, valid: boolean, note: string): void {
  const { origin, floor } = search.query;
  let checkpoint: Checkpoint;
  try {
    checkpoint = unchecked.open(valid);
  } catch (error) {
    if (error instanceof SealstreamError && error.code === 'unknown-version') {
      search.conflict ??= `a signed checkpoint of ${origin} has another format version`;
    } else if (!(error instanceof SealstreamError && error.class === 'data')) {
      throw error;
    }
    return;
  }
  const head = search.head?.checkpoint ?? null;
  const known = floor ?? head;
  if (known !== null && couldConflict(known, checkpoint)) {
    search.conflict ??= checkpointConflict(known, checkpoint);
  }
  if (head === null ? floor === null || !outranks(floor, checkpoint) : outranks(checkpoint, head)) {
    search.head = { checkpoint, note };
    if (floor === null) search.known = formatCheckpoint(checkpoint).split('\n');
  }
}

/** By (size, time): the head of a log is what nothing outranks. */
export function outranks(a: Checkpoint, b: Checkpoint): boolean {
  return a.size > b.size || (a.size === b.size && a.time > b.time);
}

/** Whether the two conflict, unless the claimed one is smaller: then nobody asks. */
function couldConflict(known: Checkpoint | null, claimed: Checkpoint): boolean {
  if (known === null) return false;
  if (claimed.size < known.size && claimed.first === known.first) return false;
  return checkpointConflict(known, claimed) !== null;
}

/** Where the lines of FORMAT §5 stand. */
const [ORIGIN, SIZE, ROOT, VERSION, FIRST, CHAIN, TIME] = [0, 1, 2, 3, 4, 7, 8] as const;
const LINES = TIME + 1;
/** Those lines are never longer together. */
const LONGEST_LINES = 512;

function firstLines(note: Uint8Array): readonly string[] {
  const { buffer, byteOffset, length } = note;
  const start = Buffer.from(buffer, byteOffset, Math.min(length, LONGEST_LINES));
  return start.toString('latin1').split('\n', LINES);
}

/**
 * Whether a note is of a checkpoint that is smaller than the known one, or an earlier one of the same
 * records, as its lines alone show: whatever else is in it, it cannot change the answer. Most notes of
 * an old topic are, so this is all that is looked at. A line that is not as it must be makes the
 * note malformed, and then it does not matter what this says of it.
 */
function isPast(lines: readonly string[], known: readonly string[]): boolean {
  if (lines[VERSION] !== known[VERSION] || lines[FIRST] !== known[FIRST]) return false;
  const [size = '', knownSize = ''] = [lines[SIZE], known[SIZE]];
  if (size !== knownSize) {
    return size.length === knownSize.length ? size < knownSize : size.length < knownSize.length;
  }
  const isSame = lines[ROOT] === known[ROOT] && lines[CHAIN] === known[CHAIN];
  return isSame && (lines[TIME] ?? '') < (known[TIME] ?? '');
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

/** null: the bytes are not what they must be. */
function unlessData<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof SealstreamError && error.class === 'data') return null;
    throw error;
  }
}
