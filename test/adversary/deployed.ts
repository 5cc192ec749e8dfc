import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll } from 'vitest'
import type { Machine } from '../../local/codebuild/project.ts'
import { type Stack, startStack } from '../../local/stack/start-stack.ts'

/** What `npm run package` wrote: the very template that is deployed. */
const TEMPLATE = '.serverless/cloudformation-template-update-stack.json'

/**
 * The packaged template, brought up for the tests of a file; its policies are enforced on every call.
 * @param parameters over the template's defaults
 * @param machines where builds run, by project
 */
export function deployedForThisFile(
  parameters: Record<string, string> = {},
  machines: Record<string, Machine> = {},
): { stack: Stack } {
  const running: { stack?: Stack; folder?: string } = {}
  beforeAll(async () => {
    running.folder = mkdtempSync(join(tmpdir(), 'hearth-adversary-'))
    running.stack = await startStack({ folder: running.folder, template: TEMPLATE, parameters, machines })
  })
  afterAll(async () => {
    await running.stack?.close()
    if (running.folder !== undefined) rmSync(running.folder, { recursive: true })
  })
  return {
    get stack() {
      if (running.stack === undefined) throw new Error('the stack has not been started: use it within a test')
      return running.stack
    },
  }
}

/** How any client of AWS's SDK acts as a role of the template, or as the operator. */
export function clientAs({ stack }: { stack: Stack }, role?: string, session = 'somebody') {
  const credentials = role === undefined ? stack.operator : stack.credentialsFor(role, session)
  return { endpoint: stack.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }
}

export function s3As(deployed: { stack: Stack }, role?: string, session?: string): S3Client {
  return new S3Client({ ...clientAs(deployed, role, session), forcePathStyle: true })
}

/** `denied` when a policy refused a call, `done`, or the name of any other error. */
export async function answerTo(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'done'
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } }
    // an error that is no answer of AWS is an error of the test
    if ($metadata === undefined) throw error
    return $metadata.httpStatusCode === 403 || name === 'AccessDeniedException' ? 'denied' : name
  }
}
