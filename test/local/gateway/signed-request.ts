import { createHash, createHmac } from 'node:crypto'
import type { Credentials } from '../../../local/gateway/credentials.ts'

/**
 * One request to a JSON service, signed by hand: for services whose SDK client is no dependency, and for signatures that are wrong on purpose.
 * Source: IAM user guide, "Create a signed AWS API request".
 */
export async function signedRequest(
  endpoint: string,
  credentials: Credentials,
  service: string,
  target: string,
  input: unknown,
  options: { body?: string; region?: string } = {},
): Promise<{ status: number; body: unknown }> {
  const signedBody = JSON.stringify(input)
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const scope = `${date.slice(0, 8)}/${options.region ?? 'us-east-1'}/${service}/aws4_request`
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: new URL(endpoint).host,
    'x-amz-date': date,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
    'x-amz-target': target,
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    sha256(signedBody),
  ]
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical.join('\n'))].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${credentials.secretAccessKey}`)
  const signature = hmac(key, toSign).toString('hex')
  const response = await fetch(endpoint, {
    method: 'POST',
    body: options.body ?? signedBody,
    headers: {
      ...headers,
      authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    },
  })
  return { status: response.status, body: await response.json() }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
