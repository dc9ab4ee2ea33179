import { SealstreamError } from '../ledger/error.js';
import { Patience } from './patience.js';
import type { Bounds, Fetched, Reader, Stray, Stream, TopicIdentity } from './stream.js';

const DEFAULT_TIMEOUT_MS = 30_000;
const POLL_MS = 500;

export interface ReadRange {
  readonly partition: number;
  readonly from: bigint;
  /** Exclusive. Default: the high watermark when reading starts. */
  readonly until?: bigint;
}

export interface ReadOptions {
  /** How long to go on without progress. Default 30 000 ms. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Bytes asked for per poll; see ReaderOptions. */
  readonly maxBytes?: number;
  /** What was read is looked at only until more is asked for; see ReaderOptions. */
  readonly recycle?: boolean;
  /** The caller looks at `strays`; else the first one ends the reading as `batch-corrupt`. */
  readonly withStrays?: boolean;
}

/** A place to look at, and about how many bytes of what is handed out there. */
export interface Look {
  readonly offset: bigint;
  readonly bytes: number;
}

/**
 * Reads one partition in order, from `from` until the position has reached `until`. A batch may
 * hold records at or above `until`: the caller cuts. Throws what the stream said at once, except
 * class `retry`: that only after `timeoutMs` without progress, and `timeout` where the stream
 * answers but never comes as far as `until`, or so slowly that it never will; `batch-corrupt` where
 * nothing but a stray stands at the position. A signal whose reason is an error of ours ends it with
 * that error and how far it came.
 */
export async function* readRange(
  stream: Stream,
  topic: TopicIdentity,
  range: ReadRange,
  options: ReadOptions = {},
): AsyncGenerator<Fetched> {
  const patience = patienceOf(options);
  const { partition } = range;
  const until = range.until ?? (await boundsOf(stream, topic, partition, patience)).highWatermark;
  if (range.from >= until) return;
  const reader = await openReader(stream, topic, options, patience);
  try {
    reader.seek({ partition, offset: range.from, until });
    let position = range.from;
    let inTheWay: Stray | null = null;
    while (position < until) {
      const [fetched] = await reader.poll(Math.min(POLL_MS, patience.left()), options.signal);
      if (options.signal?.aborted) throw stopped(options.signal, topic, partition, position, until);
      const isProgress = fetched !== undefined && fetched.next.offset > position;
      // Nothing comes behind it: a batch of other offsets stands where this one is wanted. An outage
      // is no such answer.
      const isDeadEnd = fetched !== undefined && fetched.error === null && !isProgress;
      if (inTheWay !== null && isDeadEnd) throw strayError(topic, partition, inTheWay);
      if (isProgress || (fetched !== undefined && fetched.strays.length > 0)) {
        position = fetched.next.offset;
        if (isProgress && position < until) {
          patience.take(fetched.batches, (gave) => slow(topic, partition, position, until, gave));
        }
        if (isProgress) patience.renew();
        yield fetched;
        if (isProgress) patience.renew();
        const [stray] = fetched.strays;
        if (stray && options.withStrays !== true) throw strayError(topic, partition, stray);
        inTheWay = fetched.strays.find(({ to }) => position < to) ?? null;
      }
      const error = fetched?.error ?? null;
      if (error !== null) await patience.spend(error);
      else patience.check(() => short(topic, partition, position, until, fetched));
    }
  } finally {
    await reader.close();
  }
}

/**
 * Seeks to each place in turn and yields what is handed out there. Throws as readRange does; an
 * abort too.
 */
export async function* lookAt(
  stream: Stream,
  topic: TopicIdentity,
  partition: number,
  looks: Iterable<Look>,
  options: ReadOptions = {},
): AsyncGenerator<Fetched> {
  const patience = patienceOf(options);
  const { signal } = options;
  const reader = await openReader(stream, topic, options, patience);
  try {
    for (const { offset, bytes } of looks) {
      reader.seek({ partition, offset, until: offset + 1n, look: { bytes } });
      for (let seen = false; !seen; ) {
        const [fetched] = await reader.poll(Math.min(POLL_MS, patience.left()), signal);
        if (signal?.aborted) throw stopped(signal, topic, partition, offset, offset + 1n);
        const error = fetched?.error ?? null;
        if (error !== null) await patience.spend(error);
        else if (fetched !== undefined && fetched.next.offset > offset) {
          patience.takeAnswer(() => slowSeeks(topic, partition, offset));
          patience.renew();
          yield fetched;
          patience.renew();
          seen = true;
        } else patience.check(() => short(topic, partition, offset, offset + 1n, fetched));
      }
    }
  } finally {
    await reader.close();
  }
}

/** The bounds of one partition, asked again while the stream cannot be reached. */
export async function readBounds(
  stream: Stream,
  topic: TopicIdentity,
  partition: number,
  options: ReadOptions = {},
): Promise<Bounds> {
  return boundsOf(stream, topic, partition, patienceOf(options));
}

async function boundsOf(
  stream: Stream,
  topic: TopicIdentity,
  partition: number,
  patience: Patience,
): Promise<Bounds> {
  for (;;) {
    try {
      const [answer] = await stream.bounds(topic, [partition]);
      if (answer === undefined) throw unanswered(topic, partition);
      if (answer instanceof SealstreamError) throw answer;
      patience.renew();
      return answer;
    } catch (error) {
      await patience.spend(error);
    }
  }
}

async function openReader(
  stream: Stream,
  topic: TopicIdentity,
  options: ReadOptions,
  patience: Patience,
): Promise<Reader> {
  const { maxBytes, recycle = false } = options;
  const wanted = { recycle, ...(maxBytes === undefined ? {} : { maxBytes }) };
  for (;;) {
    try {
      return await stream.reader(topic, wanted);
    } catch (error) {
      await patience.spend(error);
    }
  }
}

/** What a stray is to those who stop at one. */
export function strayError(
  topic: TopicIdentity,
  partition: number,
  { from, to }: Stray,
): SealstreamError {
  return new SealstreamError(
    'batch-corrupt',
    `${topic.topic}/${partition}: a second batch for offsets ${from} to ${to - 1n} stands where no ` +
      'log can have one; keep the segment as evidence',
  );
}

function unanswered(topic: TopicIdentity, partition: number): SealstreamError {
  return new SealstreamError(
    'internal',
    `${topic.topic}/${partition}: the stream gave no answer for the partition asked`,
  );
}

function short(
  topic: TopicIdentity,
  partition: number,
  position: bigint,
  until: bigint,
  fetched: Fetched | undefined,
): SealstreamError {
  const end = fetched?.highWatermark ?? 'unknown';
  return new SealstreamError(
    'timeout',
    `${topic.topic}/${partition}: no record came at offset ${position}, wanted up to ${until}; ` +
      `the stream's high watermark is ${end}`,
  );
}

function slow(
  topic: TopicIdentity,
  partition: number,
  position: bigint,
  until: bigint,
  gave: string,
): SealstreamError {
  return new SealstreamError(
    'timeout',
    `${topic.topic}/${partition}: the stream gave ${gave}, and holds more: offset ${position} is ` +
      `reached, ${until} wanted; a stream that drips counts as out of reach`,
  );
}

function slowSeeks(topic: TopicIdentity, partition: number, offset: bigint): SealstreamError {
  return new SealstreamError(
    'timeout',
    `${topic.topic}/${partition}: the stream answers less than one seek a second, at offset ${offset} ` +
      'now; a stream that drips counts as out of reach',
  );
}

/** The signal's reason; where it is an error of ours, with how far the reading came. */
function stopped(
  { reason }: AbortSignal,
  topic: TopicIdentity,
  partition: number,
  position: bigint,
  until: bigint,
): unknown {
  if (!(reason instanceof SealstreamError)) return reason;
  const reached = `offset ${position} is reached, ${until} wanted`;
  return new SealstreamError(
    reason.code,
    `${topic.topic}/${partition}: ${reason.message}; ${reached}`,
    { cause: reason },
  );
}

function patienceOf({ timeoutMs = DEFAULT_TIMEOUT_MS, signal }: ReadOptions): Patience {
  return new Patience(timeoutMs, signal);
}
