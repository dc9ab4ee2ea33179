import type { Quota } from '../../administration.js';
import { shownByAll, throughController } from '../connection/broker-fanout.js';
import type { Cluster } from '../connection/cluster.js';
import type { BrokerConnection } from '../connection/connection.js';
import {
  ALTER_QUOTAS,
  DESCRIBE_QUOTAS,
  decodeAlterQuotas,
  decodeDescribeQuotas,
  encodeAlterQuotasRequest,
  encodeDescribeQuotasRequest,
} from '../protocol/client-quotas.js';
import { KAFKA_ERROR, requestError } from '../protocol/error-codes.js';

export async function readQuotas(cluster: Cluster): Promise<readonly Quota[]> {
  return cluster.ask(cluster.timeoutMs, (connection, remainingMs) =>
    quotasFrom(cluster, connection, remainingMs),
  );
}

async function quotasFrom(
  cluster: Cluster,
  connection: BrokerConnection,
  timeoutMs: number,
): Promise<readonly Quota[]> {
  const encode = () => encodeDescribeQuotasRequest();
  const response = await cluster.call(connection, DESCRIBE_QUOTAS, encode, timeoutMs);
  const answer = decodeDescribeQuotas(response.bytes, response.what);
  if (answer.errorCode === KAFKA_ERROR.NONE) return answer.quotas;
  throw requestError(answer, `${connection.name}: the quotas`, 'DescribeConfigs on the cluster');
}

export async function setQuota(cluster: Cluster, quota: Quota): Promise<void> {
  if (quota.limits.size === 0) return;
  const deadline = performance.now() + cluster.timeoutMs;
  const what = quota.user === null ? 'the default quota' : `the quota of user ${quota.user}`;
  await throughController(cluster, what, deadline, async (connection, remainingMs) => {
    const encode = () => encodeAlterQuotasRequest(quota);
    const response = await cluster.call(connection, ALTER_QUOTAS, encode, remainingMs);
    const answer = decodeAlterQuotas(response.bytes, response.what);
    if (answer.errorCode === KAFKA_ERROR.NONE) return;
    const where = `${connection.name}: setting ${what}`;
    throw requestError(answer, where, 'AlterConfigs on the cluster');
  });
  await shownByAll(cluster, `${what} was set`, deadline, async (connection, remainingMs) => {
    const quotas = await quotasFrom(cluster, connection, remainingMs);
    const found = quotas.find(({ user }) => user === quota.user)?.limits;
    return [...quota.limits].every(([name, limit]) => found?.get(name) === limit);
  });
}
