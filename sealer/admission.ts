/**
 * The connections that a server beside sealing admits: few at once, none for long, none with the
 * last of the descriptors, which sealing needs for brokers and files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';

const MOST_CONNECTIONS = 64;
/** A request has 5 s to come in, its answer the rest: also where it is read byte by byte. */
const LONGEST_CONNECTION_MS = 10_000;
const RESERVE = 64;
/** Counting a thousand descriptors takes a millisecond: a flood must not make us do nothing else. */
const RECOUNT_MS = 100;

/** The oldest connection makes room for the newest, so that who holds many keeps nobody out. */
export function admitFew(server: Server): void {
  const limit = descriptorLimit();
  const reserve = Math.min(RESERVE, limit / 2);
  const open = new Set<Socket>();
  let others = { count: 0, at: Number.NEGATIVE_INFINITY };
  const isScarce = (): boolean => {
    const now = performance.now();
    if (now - others.at > RECOUNT_MS) others = { count: descriptorsInUse() - open.size, at: now };
    return limit - others.count - open.size < reserve;
  };
  server.on('connection', (socket) => {
    open.add(socket);
    const timer = setTimeout(() => socket.destroy(), LONGEST_CONNECTION_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      open.delete(socket);
    });
    for (const oldest of open) {
      if (open.size <= MOST_CONNECTIONS && !isScarce()) break;
      open.delete(oldest);
      oldest.destroy();
    }
  });
}

/** Infinite where the system has none, or does not tell: then only the connections are bounded. */
function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function descriptorsInUse(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch (error) {
    // To look takes a descriptor too: with none left, all are in use. Elsewhere there is no limit.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    return Number.POSITIVE_INFINITY;
  }
}
