import { isIPv6 } from 'node:net';
import { SealstreamError } from '../../../ledger/error.js';
import type { BrokerAddress } from './connection.js';

const SCHEME = 'kafka://';
const DEFAULT_PORT = 9092;
const MAX_PORT = 65_535;
const MAX_ADDRESSES = 100;
const HOST_AND_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?$/;

/**
 * `kafka://host:port,host:port`, the port 9092 where left out, an IPv6 address in brackets. Throws
 * `configuration`; a user or password in it is refused without being repeated.
 */
export function parseKafkaUrl(url: string): BrokerAddress[] {
  if (!url.startsWith(SCHEME)) {
    throw new SealstreamError(
      'configuration',
      'a Kafka stream is written kafka://host:port,host:port',
    );
  }
  const list = url.slice(SCHEME.length);
  if (list.includes('@')) {
    throw new SealstreamError(
      'configuration',
      'a kafka:// URL holds no user and password: put them under kafka.sasl in ledger.yaml',
    );
  }
  const parts = list.split(',');
  if (parts.length > MAX_ADDRESSES) {
    throw new SealstreamError(
      'configuration',
      `kafka:// URL: more than ${MAX_ADDRESSES} addresses`,
    );
  }
  return parts.map((part) => parseAddress(part));
}

function parseAddress(text: string): BrokerAddress {
  const [, ipv6, name, portText] = HOST_AND_PORT.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = portText === undefined ? DEFAULT_PORT : Number.parseInt(portText, 10);
  const valid = host !== undefined && (ipv6 === undefined || isIPv6(ipv6));
  if (!valid || port < 1 || port > MAX_PORT) {
    throw new SealstreamError('configuration', `kafka:// URL: "${text}" is no host:port`);
  }
  return { nodeId: -1, host, port };
}

export function formatKafkaUrl(addresses: readonly BrokerAddress[]): string {
  const parts = addresses.map(({ host, port }) =>
    host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
  );
  return SCHEME + parts.join(',');
}
