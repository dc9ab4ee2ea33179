import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

const KEEP_ALIVE_DELAY_MS = 60_000;
/** What Node takes anew for every read of a socket without this. */
const CHUNK_BYTES = 64 * 1024;

interface Place {
  readonly host: string;
  readonly port: number;
  /** null: no TLS. */
  readonly ssl: ConnectionOptions | null;
  readonly onConnect: () => void;
}

/**
 * Sockets as kafkajs makes them, but each reads into one piece of memory over and over, and hands
 * what came in to `read`, which does not hold on to it, instead of emitting `data`.
 */
export function recyclingSockets(read: (chunk: Buffer) => void): (place: Place) => Socket {
  return ({ host, port, ssl, onConnect }) => {
    const memory = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const onread = {
      buffer: memory,
      callback: (bytes: number) => {
        read(memory.subarray(0, bytes));
        return true;
      },
    };
    const socket =
      ssl === null
        ? connect({ host, port, onread }, onConnect)
        : connectTls(tlsOptions(host, port, ssl, onread), onConnect);
    return socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  };
}

/** `node:tls` hands `onread` on to the socket, though its types do not say so. */
function tlsOptions(
  host: string,
  port: number,
  ssl: ConnectionOptions,
  onread: OnReadOpts,
): ConnectionOptions & { readonly onread: OnReadOpts } {
  const name = isIP(host) === 0 ? { servername: host } : {};
  return { host, port, onread, ...name, ...ssl };
}
