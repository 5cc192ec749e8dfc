import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { STSClient } from '@aws-sdk/client-sts'

type RetryStrategy = Extract<
  NonNullable<S3ClientConfig['retryStrategy']>,
  { acquireInitialRetryToken: unknown }
>

// 30 tries, 0.5 s doubling up to 10 s, half of it jitter: between 2 and 4 minutes. The network may be gone for one; the SDK by itself gives up after
// three tries within a second.
const TRIES = 30
const FIRST_PAUSE_MILLISECONDS = 500
const LONGEST_PAUSE_MILLISECONDS = 10_000

/** Repeats what fails on its way, or is refused by a busy service, for minutes. */
export const patience: RetryStrategy = {
  acquireInitialRetryToken: async () => tokenOf(0),
  async refreshRetryTokenForRetry(token, { error, errorType }) {
    const tries = token.getRetryCount() + 1
    if ((errorType === 'CLIENT_ERROR' && !isConflict(error)) || tries === TRIES)
      throw error ?? new Error('not tried again')
    return tokenOf(tries)
  },
  recordSuccess() {},
}

/** Two writers of one key at the same time, such as an upload and its own repetition. Source: Amazon S3 user guide, "Conditional writes". */
function isConflict(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 409
}

function tokenOf(tries: number) {
  const pause = Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** (tries - 1), LONGEST_PAUSE_MILLISECONDS)
  const delay = tries === 0 ? 0 : Math.round(pause * (0.5 + Math.random() / 2))
  return { getRetryCount: () => tries, getRetryDelay: () => delay }
}

// A connection that nobody answers, and one on which nothing moves any more, as when a network goes away without a word.
const CONNECT_MILLISECONDS = 10_000
const SILENCE_MILLISECONDS = 120_000

// GetActivityTask answers after 60 s when there is no task. Source: Step Functions API reference.
const POLL_MILLISECONDS = 75_000

/** A builder's clients, which outlive a network that is gone for a minute. */
export interface AwsClients {
  s3: S3Client
  sfn: SFNClient
  sts: STSClient
  lambda: LambdaClient
}

export function openAwsClients(): AwsClients {
  const patient = (silence: number) => ({
    retryStrategy: patience,
    requestHandler: { connectionTimeout: CONNECT_MILLISECONDS, socketTimeout: silence },
  })
  const sts = new STSClient(patient(SILENCE_MILLISECONDS))
  // one set of credentials for all: they are asked for once, and renewed once
  const { credentials } = sts.config
  return {
    sts,
    s3: new S3Client({ ...patient(SILENCE_MILLISECONDS), credentials }),
    sfn: new SFNClient({ ...patient(POLL_MILLISECONDS), credentials }),
    lambda: new LambdaClient({ ...patient(SILENCE_MILLISECONDS), credentials }),
  }
}

/** A client that refuses everything, and gives up what it has begun, once the signal is aborted: then it throws the signal's reason. */
export function s3Until(signal: AbortSignal, { s3 }: Pick<AwsClients, 's3'>): S3Client {
  const { credentials, requestHandler } = s3.config
  const client = new S3Client({ credentials, requestHandler, retryStrategy: patience })
  client.middlewareStack.add(
    (next) => async (args) => {
      signal.throwIfAborted()
      const given = Promise.withResolvers<never>()
      const giveUp = (): void => given.reject(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
      try {
        return await Promise.race([next(args), given.promise])
      } finally {
        signal.removeEventListener('abort', giveUp)
      }
    },
    { step: 'initialize', name: 'giveUpWithTheBatch' },
  )
  return client
}
