/**
 * Threads for `verify`. Each opens the stream for itself and hashes spans of logs, one at a time;
 * what they find out is an end that is checked against a signature, and what stands out of place.
 */
import { Worker } from 'node:worker_threads';
import {
  NOT_WALKED,
  type Span,
  type SpanReport,
  type SpanWalkers,
} from '../../consumer/checkpoint-span.js';
import { SealstreamError } from '../../ledger/error.js';
import type { StreamPlace } from '../place.js';
import { THREAD_LIMITS } from './limits.js';

/** Below this a thread takes longer to be told of a span than to walk it. */
export const SHORTEST_SPAN = 20_000n;
/**
 * Below this threads may take longer to start than they help. A broker on the same cores leaves
 * them little to do: from Kafka two were as fast as one over four million records, from files over
 * one million (docs/performance.md).
 */
export const WORTH_THREADS = 4_000_000n;

export interface WalkerData {
  readonly place: StreamPlace;
  readonly timing: { readonly timeoutMs: number; readonly confirmMs: number };
}

export type ToWalker =
  | { readonly kind: 'walk'; readonly span: Span }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'close' };

export type FromWalker =
  | { readonly kind: 'progress'; readonly position: bigint }
  | { readonly kind: 'end'; readonly report: SpanReport };

interface Job {
  readonly span: Span;
  readonly onProgress: (position: bigint) => void;
  readonly resolve: (report: SpanReport) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly ended: Promise<void>;
  job: Job | null;
}

export class VerifyPool implements SpanWalkers {
  readonly count: number;
  readonly shortest: bigint;
  readonly fewest: bigint;
  readonly #data: WalkerData;
  readonly #threads: Thread[] = [];
  #waiting: Job[] = [];
  #failure: SealstreamError | null = null;
  #isClosing = false;

  /** Threads are started when there is work for them. */
  constructor(count: number, data: WalkerData, fewest: bigint) {
    this.count = count;
    this.fewest = fewest;
    this.shortest = fewest < SHORTEST_SPAN ? fewest : SHORTEST_SPAN;
    this.#data = data;
  }

  walk(
    span: Span,
    onProgress: (position: bigint) => void,
    signal: AbortSignal,
  ): Promise<SpanReport> {
    if (signal.aborted) return Promise.resolve(NOT_WALKED);
    return new Promise((resolve, reject) => {
      const job = { span, onProgress, resolve, reject };
      const onAbort = (): void => this.#cancel(job);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(job);
      this.#deal();
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    for (const { worker } of this.#threads) worker.postMessage({ kind: 'close' });
    await Promise.all(this.#threads.map(({ ended }) => ended));
  }

  #deal(): void {
    if (this.#failure !== null) {
      for (const { reject } of this.#waiting) reject(this.#failure);
      this.#waiting = [];
    }
    while (this.#waiting.length > 0) {
      const thread = this.#idle();
      const job = thread === null ? undefined : this.#waiting.shift();
      if (thread === null || job === undefined) return;
      thread.job = job;
      thread.worker.postMessage({ kind: 'walk', span: job.span } satisfies ToWalker);
    }
  }

  #idle(): Thread | null {
    const idle = this.#threads.find(({ job }) => job === null);
    if (idle !== undefined) return idle;
    return this.#threads.length < this.count ? this.#start() : null;
  }

  #start(): Thread {
    const file = new URL('./verify-worker.js', import.meta.url);
    const worker = new Worker(file, { workerData: this.#data, resourceLimits: THREAD_LIMITS });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const thread: Thread = { worker, ended, job: null };
    worker.on('message', (message: FromWalker) => {
      const { job } = thread;
      if (message.kind === 'progress') {
        job?.onProgress(message.position);
        return;
      }
      thread.job = null;
      job?.resolve(message.report);
      this.#deal();
    });
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', (code) => {
      if (!this.#isClosing) this.#fail(new Error(`it ended with exit code ${code}`));
    });
    this.#threads.push(thread);
    return thread;
  }

  #cancel(job: Job): void {
    if (this.#waiting.includes(job)) {
      this.#waiting = this.#waiting.filter((other) => other !== job);
      job.resolve(NOT_WALKED);
    }
    const thread = this.#threads.find((each) => each.job === job);
    thread?.worker.postMessage({ kind: 'cancel' } satisfies ToWalker);
  }

  /** A thread that fails is a fault of ours: nothing is said about the log then. */
  #fail(cause: Error): void {
    const message = `a thread of verify failed: ${cause.message}`;
    this.#failure ??= new SealstreamError('internal', message, { cause });
    for (const { job } of this.#threads) job?.reject(this.#failure);
    this.#deal();
  }
}
