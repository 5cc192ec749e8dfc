import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { processesWith } from '../../../local/process/process-tree.ts'
import { startStack, type Stack, type StartStackOptions } from '../../../local/stack/start-stack.ts'
import type { StackEvent } from '../../../local/stack/stack-events.ts'

export type Resources = Record<string, Record<string, unknown>>

export interface TestStack {
  stack: Stack
  folder: string
  events: StackEvent[]
}

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-stack-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a stack of these resources; it is closed with the test. */
export async function startTestStack(
  resources: Resources,
  options: Partial<StartStackOptions> & { outputs?: Record<string, unknown> } = {},
): Promise<TestStack> {
  const { outputs, ...stackOptions } = options
  const folder = stackOptions.folder ?? (await temporaryFolder())
  const templates = await temporaryFolder()
  const template = join(templates, 'template.json')
  await writeFile(
    template,
    JSON.stringify({ Resources: resources, ...(outputs === undefined ? {} : { Outputs: outputs }) }),
  )
  const events: StackEvent[] = []
  const stack = await startStack({
    template,
    ...stackOptions,
    folder,
    onEvent: (event) => events.push(event),
  })
  onTestFinished(() => stack.close())
  return { stack, folder, events }
}

/** A role with one inline policy. */
export function role(...statements: Record<string, unknown>[]): Record<string, unknown> {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {},
      ...(statements.length === 0
        ? {}
        : {
            Policies: [
              { PolicyName: 'inline', PolicyDocument: { Version: '2012-10-17', Statement: statements } },
            ],
          }),
    },
  }
}

export function allow(
  action: string | string[],
  resource: unknown,
  condition?: unknown,
): Record<string, unknown> {
  return {
    Effect: 'Allow',
    Action: action,
    Resource: resource,
    ...(condition === undefined ? {} : { Condition: condition }),
  }
}

/** A function whose code stands in the test: an ECMAScript module that exports `handler`. */
export function fn(
  code: string,
  {
    role: roleId = 'Role',
    environment = {},
    ...more
  }: { role?: string; environment?: Record<string, unknown> } & Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { ZipFile: code },
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Role: { 'Fn::GetAtt': [roleId, 'Arn'] },
      // generous: the machine is shared
      Timeout: 30,
      Environment: { Variables: environment },
      ...more,
    },
  }
}

/** An import of one of the project's packages, for code that lies outside of it. */
export function importing(names: string, module: string): string {
  return `import ${names} from ${JSON.stringify(import.meta.resolve(module))}\n`
}

/** The processes that a stack on this folder has started and that are still there. */
export async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
    found.push(...(await mentions(Number(name), folder)))
  }
  return found
}

async function mentions(pid: number, folder: string): Promise<number[]> {
  const { readFile } = await import('node:fs/promises')
  try {
    const text =
      (await readFile(`/proc/${pid}/environ`, 'utf8')) + (await readFile(`/proc/${pid}/cmdline`, 'utf8'))
    return text.includes(folder) ? [pid] : []
  } catch {
    return [] // it has ended
  }
}

export { processesWith }

/** Waits until `check` gives something; the test's own time limit ends a wait for what never comes. */
export async function until<T>(check: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await check()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
