import { appendFileSync, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { AccessDenied, type Call } from '../../../local/gateway/service.ts'
import type { Json } from '../../../local/states/asl/json.ts'
import { StateError } from '../../../local/states/asl/errors.ts'
import type { Integration } from '../../../local/states/integration.ts'
import { createStates, type States } from '../../../local/states/service.ts'

export interface Serving {
  endpoint: string
  states: States
  /** what was asked for permission: `states:StartExecution arn:…` */
  asked: string[]
  /** permissions that are refused */
  denied: Set<string>
  close(): Promise<void>
}

/**
 * Step Functions over HTTP, with functions that are files: a call is written down in `calls`, and answered with its payload as soon as there is a file
 * `go-<function>` (or `fail-<function>`, and it fails).
 */
export async function serve(folder: string): Promise<Serving> {
  const states = createStates({
    folder: join(folder, 'states'),
    integrations: () => ({ 'arn:aws:states:::lambda:invoke': fileFunction(folder) }),
  })
  const asked: string[] = []
  const denied = new Set<string>()
  const call: Call = {
    caller: { kind: 'operator', arn: 'arn:aws:iam::123456789012:user/test', userId: 'test' },
    authorize(action, resource) {
      asked.push(`${action} ${resource}`)
      if (denied.has(action)) throw new AccessDenied(`not allowed: ${action} on ${resource}`)
    },
  }
  const server = createServer((request, response) => {
    states.handle(request, response, call).catch((error: unknown) => {
      response.writeHead(error instanceof AccessDenied ? 403 : 500, {
        'content-type': 'application/x-amz-json-1.0',
      })
      response.end(
        JSON.stringify({
          __type: error instanceof AccessDenied ? 'AccessDeniedException' : 'InternalFailure',
          message: String(error),
        }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    states,
    asked,
    denied,
    async close() {
      await states.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function fileFunction(folder: string): Integration {
  return async (args, { signal }) => {
    const { FunctionName, Payload = null } = args as { FunctionName: string; Payload?: Json }
    appendFileSync(join(folder, 'calls'), `${FunctionName}\n`)
    while (!existsSync(join(folder, `go-${FunctionName}`))) {
      if (existsSync(join(folder, `fail-${FunctionName}`))) throw new StateError('Broken', 'why')
      await delay(10, undefined, { signal })
    }
    return { Payload, StatusCode: 200 }
  }
}

const [, script, folder] = process.argv
if (import.meta.filename === script && folder !== undefined) {
  const { endpoint, states } = await serve(folder)
  const resumed = states.resume()
  process.stdout.write(`${JSON.stringify({ endpoint, resumed })}\n`)
}
