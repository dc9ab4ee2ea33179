import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { asSealstreamError, SealstreamError } from '../../ledger/error.js';
import { checkBatch } from '../batch/check.js';
import type {
  Appender,
  AppenderOptions,
  AppendOutcome,
  EncodedBatch,
  TopicIdentity,
} from '../stream.js';
import { LOCKS_FOLDER, lockName } from './create.js';
import { checkRoot, fileError, isCode } from './folder.js';
import { FileLock } from './lock.js';
import { LogWriter, UnknownWrite, type WriterOptions } from './log-writer.js';
import { MAX_TORN_BYTES } from './scan.js';
import { sleep } from './sleep.js';

const DEFAULT_DEADLINE_MS = 120_000;
/** Bytes written and flushed together. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** A torn end is never larger than what one write holds. */
const MAX_BATCH_BYTES = MAX_TORN_BYTES - GROUP_BYTES;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 10;
/** After that the lock is given up even where nobody has asked for it: it says when it was taken. */
const LONGEST_HOLD_MS = 500;
/** How long a process that found the lock taken is let in before this one takes it again. */
const GIVE_WAY_MS = 2 * LONGEST_PAUSE_MS;

/** Appends to one topic, each partition by a queue of its own. */
export class SegmentAppender implements Appender {
  private readonly root: string;
  private readonly topic: TopicIdentity;
  private readonly deadlineMs: number;
  private readonly writing: WriterOptions;
  private readonly queues = new Map<number, PartitionQueue>();
  private closed = false;

  constructor(
    root: string,
    topic: TopicIdentity,
    options: AppenderOptions,
    writing: WriterOptions,
  ) {
    this.root = root;
    this.topic = topic;
    this.deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    this.writing = writing;
  }

  append(partition: number, batch: EncodedBatch): Promise<AppendOutcome> {
    const error = this.closed
      ? new SealstreamError('closed', 'stream: the appender is closed')
      : refusal(batch, `topic ${this.topic.topic} partition ${partition}`);
    if (error !== null) return Promise.resolve({ kind: 'rejected', error });
    try {
      return this.queueOf(partition).add(batch, this.deadlineMs);
    } catch (failure) {
      const reason = fileError(failure, `topic ${this.topic.topic} partition ${partition}`);
      return Promise.resolve({ kind: 'rejected', error: reason });
    }
  }

  private queueOf(partition: number): PartitionQueue {
    let queue = this.queues.get(partition);
    if (queue === undefined) {
      queue = new PartitionQueue(this.root, this.topic, partition, this.writing);
      this.queues.set(partition, queue);
    }
    return queue;
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }
}

interface Waiting {
  readonly batch: EncodedBatch;
  readonly deadline: number;
  state: 'waiting' | 'writing' | 'settled';
  readonly settle: (outcome: AppendOutcome) => void;
}

class PartitionQueue {
  private readonly place: string;
  private readonly lock: FileLock;
  private readonly writer: LogWriter;
  private readonly waiting: Waiting[] = [];
  private running: Promise<void> | null = null;

  constructor(root: string, topic: TopicIdentity, partition: number, writing: WriterOptions) {
    this.place = `topic ${topic.topic} partition ${partition}`;
    makeLocksFolder(root);
    const name = `${lockName(topic.topic)}-${partition}.append`;
    this.lock = new FileLock(join(root, LOCKS_FOLDER, name));
    this.writer = new LogWriter(root, topic, partition, writing);
  }

  add(batch: EncodedBatch, deadlineMs: number): Promise<AppendOutcome> {
    return new Promise((resolve) => {
      const deadline = performance.now() + deadlineMs;
      const entry: Waiting = {
        batch,
        deadline,
        state: 'waiting',
        settle: (outcome) => {
          if (entry.state === 'settled') return;
          entry.state = 'settled';
          clearTimeout(timer);
          resolve(outcome);
        },
      };
      const timer = setTimeout(() => entry.settle(this.late(entry)), deadlineMs);
      this.waiting.push(entry);
      this.running ??= this.run();
    });
  }

  async close(): Promise<void> {
    await this.running;
    await this.writer.close();
  }

  private late(entry: Waiting): AppendOutcome {
    if (entry.state === 'writing') {
      const message = `${this.place}: the deadline has passed while the disk was writing`;
      return { kind: 'unknown', error: new SealstreamError('outcome-unknown', message) };
    }
    const message = `${this.place}: the deadline has passed while others held ${this.lock.path}`;
    return { kind: 'rejected', error: new SealstreamError('busy', message) };
  }

  private async run(): Promise<void> {
    // So that what is appended in the same turn is written together.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      try {
        await this.writeNext();
      } catch (error) {
        const reason = fileError(error, `${this.place}: ${this.lock.path}`);
        for (const entry of this.waiting.splice(0)) {
          entry.settle({ kind: 'rejected', error: reason });
        }
      }
    }
    this.running = null;
  }

  private async writeNext(): Promise<void> {
    if (!(await this.acquire())) return;
    const until = performance.now() + LONGEST_HOLD_MS;
    let wanted = false;
    try {
      do {
        await this.write(this.takeGroup());
        // One that waited for that often has the next one at once: the lock need not be taken anew.
        await nextTurn();
        wanted = this.waiting.length > 0 && this.lock.wanted();
      } while (this.waiting.length > 0 && !wanted && performance.now() < until);
    } finally {
      this.lock.release();
    }
    if (wanted || (this.waiting.length > 0 && this.lock.wanted())) await sleep(GIVE_WAY_MS);
  }

  /** false: nobody waits any longer. */
  private async acquire(): Promise<boolean> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      while (this.waiting[0]?.state === 'settled') this.waiting.shift();
      if (this.waiting.length === 0) return false;
      if (this.lock.tryAcquire()) return true;
      await sleep(pause);
    }
  }

  private takeGroup(): Waiting[] {
    const group: Waiting[] = [];
    let size = 0;
    for (;;) {
      const entry = this.waiting[0];
      if (entry === undefined) return group;
      const larger = size + entry.batch.bytes.length;
      if (group.length > 0 && larger > GROUP_BYTES) return group;
      this.waiting.shift();
      if (entry.state !== 'waiting') continue;
      entry.state = 'writing';
      group.push(entry);
      size = larger;
    }
  }

  private async write(group: readonly Waiting[]): Promise<void> {
    if (group.length === 0) return;
    try {
      const { stamped, failure } = await this.writer.append(group.map(({ batch }) => batch));
      for (const [index, entry] of group.entries()) {
        const stamp = stamped[index];
        if (stamp !== undefined) entry.settle({ kind: 'acknowledged', ...stamp });
        else entry.settle({ kind: 'rejected', error: fileError(failure, this.place) });
      }
    } catch (error) {
      const kind = error instanceof UnknownWrite ? 'unknown' : 'rejected';
      const reason =
        kind === 'unknown'
          ? asSealstreamError(error, 'outcome-unknown', this.place)
          : fileError(error, this.place);
      for (const entry of group) entry.settle({ kind, error: reason });
    }
  }
}

/** Where nothing is mounted any more, a folder made here would look like a stream without topics. */
function makeLocksFolder(root: string): void {
  checkRoot(root);
  try {
    mkdirSync(join(root, LOCKS_FOLDER));
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  }
}

function refusal(batch: EncodedBatch, place: string): SealstreamError | null {
  const { length } = batch.bytes;
  if (length <= MAX_BATCH_BYTES) return checkBatch(batch, place);
  const message = `${place}: a batch of ${length} bytes; at most ${MAX_BATCH_BYTES} fit`;
  return new SealstreamError('record-too-large', message);
}
