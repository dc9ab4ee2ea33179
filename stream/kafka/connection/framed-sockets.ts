import type { Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';
import createSocketFactory from 'kafkajs/src/network/socketFactory.js';
import { asSealstreamError, SealstreamError } from '../../../ledger/error.js';
import { FrameReader } from './frame-reader.js';

const LENGTH_BYTES = 4;
/** What kafkajs's own client asks for, groups and the metadata of one topic, is far shorter. */
const LONGEST_RESPONSE = 16 * 1024 * 1024;

/**
 * Sockets for kafkajs's own client, which pass whole responses on and nothing else. By itself it
 * keeps the half of a response with which a connection was lost, reads on from there when it has
 * connected again, and throws on the length that it then finds, where nobody can catch it.
 */
export class FramedSockets {
  readonly #create = createSocketFactory();
  readonly #open = new Set<Socket>();
  #ended = false;

  /** kafkajs's `socketFactory`. */
  readonly factory: ISocketFactory = (place) => {
    const broker = `${place.host}:${place.port}`;
    if (this.#ended) throw new SealstreamError('closed', `${broker}: already closed`);
    const socket = this.#create(place);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    passWholeResponses(socket, broker);
    return socket;
  };

  /** Ends them all, and every later one: what kafkajs still waits for fails. */
  end(): void {
    this.#ended = true;
    for (const socket of this.#open) {
      socket.destroy(new SealstreamError('closed', 'closed by its owner'));
    }
  }
}

function passWholeResponses(socket: Socket, broker: string): void {
  const frames = new FrameReader(LONGEST_RESPONSE);
  const emit = socket.emit.bind(socket);
  const deliver = (response: Buffer): void => {
    const framed = Buffer.allocUnsafe(LENGTH_BYTES + response.length);
    framed.writeInt32BE(response.length);
    response.copy(framed, LENGTH_BYTES);
    emit('data', framed);
  };
  socket.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    const [data] = values;
    if (event !== 'data' || !Buffer.isBuffer(data)) return emit(event, ...values);
    try {
      frames.read(data, deliver);
    } catch (error) {
      socket.destroy(asSealstreamError(error, 'malformed', broker));
    }
    return true;
  };
}
