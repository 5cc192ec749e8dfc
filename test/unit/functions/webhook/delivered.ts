import { createHmac } from 'node:crypto'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'

export const CURRENT = 'current-secret-0123456789'

/** GitHub's signature over a body. */
export function sign(body: string, secret = CURRENT): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

/** What API Gateway hands over for a POST: header names in lower case. */
export function delivered(
  body: string,
  headers: Record<string, string | undefined> = {},
): APIGatewayProxyEventV2 {
  const all = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-hub-signature-256': sign(body),
    ...headers,
  }
  return {
    version: '2.0',
    routeKey: 'POST /webhook',
    rawPath: '/webhook',
    rawQueryString: '',
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'api.execute-api.eu-central-1.amazonaws.com',
      domainPrefix: 'api',
      http: {
        method: 'POST',
        path: '/webhook',
        protocol: 'HTTP/1.1',
        sourceIp: '140.82.115.1',
        userAgent: 'GitHub-Hookshot',
      },
      requestId: 'request',
      routeKey: 'POST /webhook',
      stage: '$default',
      time: '12/Mar/2026:19:03:58 +0000',
      timeEpoch: 1583348638390,
    },
    body,
    isBase64Encoded: false,
  }
}
