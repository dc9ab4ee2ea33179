import { SealstreamError } from '../../../ledger/error.js';
import type { Metadata } from '../protocol/metadata.js';
import { retryUntil } from './back-off.js';
import type { Cluster } from './cluster.js';
import type { BrokerConnection } from './connection.js';

/** One silent broker must leave time for another attempt. */
const ATTEMPTS_PER_DEADLINE = 3;

/** Asks one broker: gets its connection, and the time that is left for this attempt. */
export type Ask<T> = (connection: BrokerConnection, remainingMs: number) => Promise<T>;

/**
 * Runs `attempt` on the broker that takes administrative requests: brokers of a cluster with
 * ZooKeeper do not pass them on, those of KRaft do and any of them may be named. What fails with an
 * error of class retry is tried again until `deadline` (performance.now()): `attempt` must bear being
 * done twice, since the answer to the first time may be lost. Then throws the last error, naming
 * `what`.
 */
export async function throughController<T>(
  cluster: Cluster,
  what: string,
  deadline: number,
  attempt: Ask<T>,
): Promise<T> {
  let last = new SealstreamError('not-leader', 'the cluster has no controller now: try later');
  const done = await retryUntil(deadline, async () => {
    const { brokers, controller } = await cluster.metadata(null, left(deadline));
    const address = brokers.get(controller);
    if (address === undefined) return null;
    const connection = cluster.open(address);
    try {
      return { result: await attempt(connection, attemptTime(cluster, deadline)) };
    } catch (error) {
      last = retryable(error);
      return null;
    } finally {
      cluster.release(connection);
    }
  });
  if (done !== null) return done.result;
  const message = `${what}: not done within ${cluster.timeoutMs} ms: ${last.message}`;
  throw new SealstreamError(last.code, message, { cause: last });
}

/**
 * Waits until `shows` holds on every broker that the metadata lists. Throws `timeout` past `deadline`;
 * `what` says what was done by then.
 */
export async function shownByAll(
  cluster: Cluster,
  what: string,
  deadline: number,
  shows: Ask<boolean>,
): Promise<void> {
  let last: SealstreamError | null = null;
  const shown = await retryUntil(deadline, async () => {
    const { brokers } = await cluster.metadata(null, left(deadline));
    for (const address of brokers.values()) {
      const connection = cluster.open(address);
      try {
        if (!(await shows(connection, attemptTime(cluster, deadline)))) return null;
      } catch (error) {
        last = retryable(error);
        return null;
      } finally {
        cluster.release(connection);
      }
    }
    return true;
  });
  if (shown !== null) return;
  throw new SealstreamError(
    'timeout',
    `${what}, but not every broker shows it after ${cluster.timeoutMs} ms: see whether all of them run`,
    { cause: last },
  );
}

/**
 * The metadata, and what every broker in it answers for itself, by id. A broker that does not answer
 * is tried again until `deadline`, unless the metadata no longer lists it; then throws what became of
 * it.
 */
export async function fromEach<T>(
  cluster: Cluster,
  deadline: number,
  ask: Ask<T>,
): Promise<{ readonly metadata: Metadata; readonly answers: ReadonlyMap<number, T> }> {
  let last: SealstreamError | null = null;
  const answers = new Map<number, T>();
  const all = await retryUntil(deadline, async () => {
    const metadata = await cluster.metadata(null, left(deadline));
    const brokers = [...metadata.brokers.values()];
    const missing = brokers.filter(({ nodeId }) => !answers.has(nodeId));
    const asked = missing.map(async (address) => {
      const connection = cluster.open(address);
      try {
        answers.set(address.nodeId, await ask(connection, attemptTime(cluster, deadline)));
      } finally {
        cluster.release(connection);
      }
    });
    const ends = await Promise.allSettled(asked);
    for (const end of ends) if (end.status === 'rejected') last = retryable(end.reason);
    return ends.every(({ status }) => status === 'fulfilled') ? { metadata, answers } : null;
  });
  if (all !== null) return all;
  throw last ?? new SealstreamError('timeout', 'the brokers did not answer in time');
}

/** Milliseconds until `deadline`, at least one. */
export function left(deadline: number): number {
  return Math.max(1, deadline - performance.now());
}

function attemptTime(cluster: Cluster, deadline: number): number {
  return Math.min(left(deadline), Math.ceil(cluster.timeoutMs / ATTEMPTS_PER_DEADLINE));
}

/** Throws what trying again cannot mend. */
function retryable(error: unknown): SealstreamError {
  if (error instanceof SealstreamError && error.class === 'retry') return error;
  throw error;
}
