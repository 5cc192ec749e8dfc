import { InvokeCommand, type InvokeCommandOutput, type LambdaClient } from '@aws-sdk/client-lambda'
import { StateError } from './asl/errors.ts'
import { isObject, parseJson, type Json } from './asl/json.ts'
import { argumentsOf } from './integration-arguments.ts'
import { sdkMembers, stateErrorOf } from './integration-error.ts'
import type { Integration } from './integration.ts'

const RESOURCE = 'arn:aws:states:::lambda:invoke'

/**
 * `lambda:invoke`: calls a function and waits for its answer. The result is `{ ExecutedVersion, Payload, StatusCode, … }`, with the payload as JSON.
 * A function that fails raises an error with the name that it threw (`errorType`) and its whole payload as the cause.
 */
export function invoke(client: LambdaClient): Integration {
  return async (args, { signal }) => {
    const { FunctionName, Payload, Qualifier } = argumentsOf(RESOURCE, args)
    if (typeof FunctionName !== 'string')
      throw new StateError('States.Runtime', `${RESOURCE}: FunctionName must be a string`)
    const command = new InvokeCommand({
      FunctionName,
      ...(Payload === undefined ? {} : { Payload: Buffer.from(JSON.stringify(Payload)) }),
      ...(typeof Qualifier === 'string' ? { Qualifier } : {}),
    })
    let answer: InvokeCommandOutput
    try {
      answer = await client.send(command, { abortSignal: signal })
    } catch (error) {
      throw stateErrorOf('Lambda', error)
    }
    const text = answer.Payload?.transformToString() ?? ''
    if (answer.FunctionError !== undefined) throw functionError(answer.FunctionError, text)
    return {
      ExecutedVersion: answer.ExecutedVersion ?? '$LATEST',
      Payload: payloadOf(text),
      ...sdkMembers(answer.$metadata),
      StatusCode: answer.StatusCode ?? 200,
    }
  }
}

/** A function that returns nothing answers with no text at all. */
function payloadOf(text: string): Json {
  return text === '' ? null : parseJson(text)
}

function functionError(kind: string, text: string): StateError {
  let payload: unknown
  try {
    payload = JSON.parse(text)
  } catch {
    // a run-time that dies may answer with plain text, which is the cause as it is
    payload = undefined
  }
  const name = isObject(payload) && typeof payload['errorType'] === 'string' ? payload['errorType'] : kind
  return new StateError(name, text)
}
