/** What a running `sealstream seal --metrics PORT` answers. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** null: it does not listen (yet, or any more). */
export async function ask(port: number, path: string, host = '127.0.0.1'): Promise<Answer | null> {
  try {
    const response = await fetch(`http://${host}:${port}${path}`);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** The values of one metric by partition; empty where nothing answers. */
export async function perPartition(
  port: number,
  metric: string,
  topic: string,
): Promise<Map<number, number>> {
  const values = new Map<number, number>();
  const { text } = (await ask(port, '/metrics')) ?? { text: '' };
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^(\w+)\{([^}]*)\} (\S+)$/.exec(line) ?? [];
    const partition = /partition="(\d+)"/.exec(labels)?.[1];
    if (name !== metric || partition === undefined) continue;
    if (labels.includes(`topic="${topic}"`)) values.set(Number(partition), Number(value));
  }
  return values;
}
