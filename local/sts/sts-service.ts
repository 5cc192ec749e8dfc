import { randomUUID } from 'node:crypto'
import { answerError, escapeXml } from '../gateway/error-answer.ts'
import { readBody } from '../gateway/request-body.ts'
import { ACCOUNT, type Service } from '../gateway/service.ts'

/**
 * STS GetCallerIdentity, in the AWS query protocol. It needs no permission.
 * Sources: STS API reference, GetCallerIdentity; Smithy, "AWS query protocol".
 */
export function createStsService(): Service {
  return {
    name: 'sts',
    async handle(request, response, { caller }) {
      const parameters = new URLSearchParams((await readBody(request, 65_536)).toString('utf8'))
      const action = parameters.get('Action') ?? ''
      if (action !== 'GetCallerIdentity' || caller.kind === 'anonymous') {
        const message = `the local STS knows GetCallerIdentity of a signed caller, not "${action}"`
        return answerError(response, 'sts', {
          status: 400,
          code: 'InvalidAction',
          type: 'InvalidAction',
          message,
        })
      }
      const result = `<Arn>${escapeXml(caller.arn)}</Arn><UserId>${escapeXml(caller.userId)}</UserId><Account>${ACCOUNT}</Account>`
      const body = Buffer.from(
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
          `<GetCallerIdentityResult>${result}</GetCallerIdentityResult>` +
          `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
      )
      response.writeHead(200, { 'content-type': 'text/xml', 'content-length': body.length })
      response.end(body)
    },
    close: async () => {},
  }
}
