import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { WireReader } from '../../../../stream/kafka/protocol/reader.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';

export interface ReceivedRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  /** What follows the client id. */
  readonly rest: Uint8Array;
}

export interface HostileBroker {
  readonly port: number;
  /** Every request but ApiVersions, which is answered with `versions`. */
  readonly requests: ReceivedRequest[];
  readonly connections: number;
  close(): Promise<void>;
}

/**
 * A server on the loopback that frames requests as a broker does and then misbehaves: `answer`
 * writes whatever it likes. For what no real broker can be made to send.
 */
export async function startHostileBroker(
  answer: (socket: Socket, request: ReceivedRequest) => void,
  versions: readonly (readonly [number, number, number])[] = [],
  place = { host: '127.0.0.1', port: 0 },
): Promise<HostileBroker> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending = Buffer.alloc(0);
    socket.on('data', (data) => {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const end = 4 + pending.readInt32BE(0);
        const request = parseRequest(pending.subarray(4, end));
        pending = pending.subarray(end);
        if (request.apiKey === 18) socket.write(versionsResponse(request.correlationId, versions));
        else {
          requests.push(request);
          answer(socket, request);
        }
      }
    });
  });
  server.listen(place.port, place.host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    requests,
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A whole response frame. */
export function frame(correlationId: number, body: Uint8Array): Uint8Array {
  return new WireWriter()
    .int32(4 + body.length)
    .int32(correlationId)
    .raw(body)
    .finish();
}

function parseRequest(bytes: Uint8Array): ReceivedRequest {
  const reader = new WireReader(bytes, 'a request');
  return {
    apiKey: reader.int16(),
    apiVersion: reader.int16(),
    correlationId: reader.int32(),
    clientId: reader.string(),
    rest: reader.raw(reader.remaining),
  };
}

function versionsResponse(
  correlationId: number,
  versions: readonly (readonly [number, number, number])[],
): Uint8Array {
  const body = new WireWriter().int16(0);
  body.array(versions, ([key, oldest, newest]) => body.int16(key).int16(oldest).int16(newest));
  return frame(correlationId, body.int32(0).finish());
}
