import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DAYS = '2';

/** PEM files of a certificate authority, and of a broker and a client that it vouches for. */
export interface Certificates {
  readonly authority: string;
  /** For `localhost` and no other name or address; private key and certificate in one file. */
  readonly broker: string;
  readonly client: { readonly key: string; readonly certificate: string };
}

/** Makes them in `folder` with openssl. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  await mkdir(folder, { recursive: true });
  const path = (name: string): string => join(folder, name);
  const openssl = (...words: string[]) => run('openssl', words);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = path('authority.pem');
  await openssl(
    ...['req', '-x509', ...newKey, '-keyout', path('authority.key'), '-out', authority],
    ...['-days', DAYS, '-subj', '/CN=authority of a test'],
  );
  const issue = async (name: string, extension: string): Promise<void> => {
    const request = path(`${name}.csr`);
    const extensions = path(`${name}.extensions`);
    await writeFile(extensions, extension);
    await openssl(
      ...['req', ...newKey, '-keyout', path(`${name}.key`), '-out', request],
      ...['-subj', `/CN=${name}`],
    );
    await openssl(
      ...['x509', '-req', '-in', request, '-CA', authority, '-CAkey', path('authority.key')],
      ...['-CAcreateserial', '-days', DAYS, '-extfile', extensions, '-out', path(`${name}.pem`)],
    );
  };
  await issue('localhost', 'subjectAltName=DNS:localhost');
  await issue('client', 'extendedKeyUsage=clientAuth');
  const broker = path('broker.pem');
  const parts = await Promise.all(['localhost.key', 'localhost.pem'].map((n) => readFile(path(n))));
  await writeFile(broker, Buffer.concat(parts));
  return {
    authority,
    broker,
    client: { key: path('client.key'), certificate: path('client.pem') },
  };
}
