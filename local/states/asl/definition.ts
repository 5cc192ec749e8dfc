import type { Json, JsonObject } from './json.ts'

/**
 * Our subset of the Amazon States Language, as it is once `validate.ts` has accepted it. A `template` is JSON in which every string that is as a
 * whole `{% … %}` stands for the value of that JSONata expression. Source: https://states-language.net/spec.html and the Step Functions
 * developer guide.
 */
export type Template = Json
/** A literal or an expression that gives one. */
export type Maybe<T> = T | string

export interface Block {
  StartAt: string
  States: Record<string, State>
}

export interface Definition extends Block {
  QueryLanguage: 'JSONata'
  Comment?: string
  Version?: '1.0'
  TimeoutSeconds?: number
}

/** What a state, a rule of a Choice or a Catch leaves behind. */
export interface Leaving {
  Output?: Template
  Assign?: { [variable: string]: Template }
}

export interface Retrier {
  ErrorEquals: string[]
  IntervalSeconds?: number
  BackoffRate?: number
  MaxAttempts?: number
  MaxDelaySeconds?: number
  JitterStrategy?: 'FULL' | 'NONE'
}

export interface Catcher extends Leaving {
  ErrorEquals: string[]
  Next: string
}

interface Flow {
  Next?: string
  End?: true
}
interface Recovery {
  Retry?: Retrier[]
  Catch?: Catcher[]
}

export interface PassState extends Leaving, Flow {
  Type: 'Pass'
}
export interface WaitState extends Leaving, Flow {
  Type: 'Wait'
  Seconds?: Maybe<number>
  Timestamp?: string
}
export interface SucceedState extends Leaving {
  Type: 'Succeed'
}
export interface FailState {
  Type: 'Fail'
  Error?: string
  Cause?: string
}
export interface Rule extends Leaving {
  Condition: Maybe<boolean>
  Next: string
}
export interface ChoiceState extends Leaving {
  Type: 'Choice'
  Choices: Rule[]
  Default?: string
}
export interface TaskState extends Leaving, Flow, Recovery {
  Type: 'Task'
  Resource: string
  Arguments?: Template
  TimeoutSeconds?: Maybe<number>
  HeartbeatSeconds?: Maybe<number>
}
export interface ParallelState extends Leaving, Flow, Recovery {
  Type: 'Parallel'
  Branches: Block[]
  Arguments?: Template
}
export interface MapState extends Leaving, Flow, Recovery {
  Type: 'Map'
  ItemProcessor: Block
  Items?: Json[] | string
  ItemSelector?: Template
  MaxConcurrency?: Maybe<number>
  ToleratedFailureCount?: Maybe<number>
  ToleratedFailurePercentage?: Maybe<number>
}

export type State =
  | PassState
  | WaitState
  | SucceedState
  | FailState
  | ChoiceState
  | TaskState
  | ParallelState
  | MapState
export type StateType = State['Type']

/** The text between the delimiters when a string as a whole is `{% … %}`, else undefined. */
export function expressionIn(text: string): string | undefined {
  return text.length >= 4 && text.startsWith('{%') && text.endsWith('%}') ? text.slice(2, -2) : undefined
}

const INTEGRATIONS: Record<string, { type: string; name: string; pattern: 'request' | 'callback' | 'sync' }> =
  {
    'arn:aws:states:::lambda:invoke': { type: 'lambda', name: 'invoke', pattern: 'request' },
    'arn:aws:states:::lambda:invoke.waitForTaskToken': {
      type: 'lambda',
      name: 'invoke.waitForTaskToken',
      pattern: 'callback',
    },
    'arn:aws:states:::codebuild:startBuild': { type: 'codebuild', name: 'startBuild', pattern: 'request' },
    'arn:aws:states:::codebuild:startBuild.sync': {
      type: 'codebuild',
      name: 'startBuild.sync',
      pattern: 'sync',
    },
    'arn:aws:states:::states:startExecution.sync:2': {
      type: 'states',
      name: 'startExecution.sync:2',
      pattern: 'sync',
    },
  }

export type Resource =
  | { kind: 'activity'; arn: string }
  | {
      kind: 'integration'
      arn: string
      /** resourceType and resource of the history's events: `lambda`, `invoke` */
      type: string
      name: string
      pattern: 'request' | 'callback' | 'sync'
    }

/** What a Task's Resource stands for; undefined when it is outside our closed list. */
export function resourceOf(arn: string): Resource | undefined {
  const known = Object.hasOwn(INTEGRATIONS, arn) ? INTEGRATIONS[arn] : undefined
  if (known) return { kind: 'integration', arn, ...known }
  return /^arn:aws:states:[a-z0-9-]+:\d{12}:activity:[^:]+$/.test(arn) ? { kind: 'activity', arn } : undefined
}

/** The resources of our subset, for messages. */
export const RESOURCES: readonly string[] = Object.keys(INTEGRATIONS)

export type { Json, JsonObject }
