import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { evaluatePolicies, type PolicyDocument } from '../../../local/gateway/policy.ts'
import { AccessDenied, type Call, type Caller } from '../../../local/gateway/service.ts'
import { SignatureError } from '../../../local/gateway/sigv4-errors.ts'
import { isSigned, verifySignature } from '../../../local/gateway/sigv4.ts'
import { answerS3Error } from '../../../local/s3/answer.ts'
import { createS3, type S3Options } from '../../../local/s3/s3-service.ts'

/** A caller by access key: its secret, and what it may do; without policies it may do everything. */
export interface TestRole {
  secretAccessKey: string
  policies?: PolicyDocument[]
}

export const OPERATOR = { accessKeyId: 'AKIAOPERATOR', secretAccessKey: 'operator-secret' }

export interface SignedServer {
  endpoint: string
  /** a client with the SDK's own defaults; only the retries are off, so that every answer is seen */
  client(role?: string, more?: S3ClientConfig): S3Client
  createBucket(name: string): void
  close(): Promise<void>
}

/** The S3 service behind the smallest server that authenticates and authorizes as the gateway does. */
export async function startSignedServer(
  options: S3Options & { roles?: Record<string, TestRole>; port?: number },
): Promise<SignedServer> {
  const s3 = createS3(options)
  const roles: Record<string, TestRole> = { ...options.roles, [OPERATOR.accessKeyId]: OPERATOR }
  const server = createServer((request, response) => {
    void (async () => {
      try {
        const signed = isSigned(request)
        const role = signed ? verifySignature(request, (id) => roles[id]).accessKeyId : undefined
        await s3.handle(request, response, callOf(role, roles))
      } catch (error) {
        if (!(error instanceof AccessDenied) && !(error instanceof SignatureError)) console.error(error)
        answerS3Error(request, response, error, 'TEST')
      }
    })()
  })
  // As in the gateway: Node closes what was idle for 5 seconds, and these clients do not ask twice.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}`
  const clients: S3Client[] = []
  return {
    endpoint,
    createBucket: (name) => s3.createBucket(name),
    client(role = OPERATOR.accessKeyId, more = {}) {
      const client = clientOf(
        endpoint,
        { accessKeyId: role, secretAccessKey: roles[role]?.secretAccessKey ?? '' },
        more,
      )
      clients.push(client)
      return client
    },
    async close() {
      for (const client of clients) client.destroy()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await s3.close()
    },
  }
}

export function clientOf(
  endpoint: string,
  credentials: { accessKeyId: string; secretAccessKey: string },
  more: S3ClientConfig = {},
): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1, ...more })
}

function callOf(role: string | undefined, roles: Record<string, TestRole>): Call {
  const policies = role === undefined ? [] : roles[role]?.policies
  const caller: Caller =
    role === undefined
      ? { kind: 'anonymous' }
      : {
          kind: 'role',
          role,
          arn: `arn:aws:sts::123456789012:assumed-role/${role}/s`,
          userId: `AROA:${role}`,
          session: 's',
        }
  return {
    caller,
    authorize(action, resource, context = {}) {
      if (policies === undefined) return
      const userId = caller.kind === 'anonymous' ? 'anonymous' : caller.userId
      const decision = evaluatePolicies(policies, {
        action,
        resource,
        context: { 'aws:userid': userId, ...context },
      })
      if (!decision.allowed) throw new AccessDenied(decision.because)
    },
  }
}
