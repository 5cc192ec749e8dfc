import * as z from 'zod/mini'
import { REGION } from '../../gateway/service.ts'
import { idOf, noEffect, optionalText, resourceType, wholeNumber } from '../resource-type.ts'
import { TemplateError } from '../template.ts'
import type { ApiParts, World } from '../world.ts'

/** AWS::ApiGatewayV2::Api: an HTTP API. */
export const api = resourceType(
  z.strictObject({
    Name: z.string(),
    ProtocolType: z.literal('HTTP'),
    Description: noEffect,
    Tags: noEffect,
  }),
  (logicalId, _, world) => {
    const id = idOf(`${world.stackName}/${logicalId}`, 10).toLowerCase()
    world.apis.set(id, { id, routes: [], integrations: new Map() })
    return {
      physicalId: id,
      attributes: { ApiId: id, ApiEndpoint: `https://${id}.execute-api.${REGION}.amazonaws.com` },
    }
  },
)

/** AWS::ApiGatewayV2::Stage: `$default`, which adds nothing to the path. */
export const stage = resourceType(
  z.strictObject({
    ApiId: z.string(),
    StageName: z.literal('$default'),
    AutoDeploy: z.literal(true),
    // throttling protects an account's quota; there is none here
    DefaultRouteSettings: noEffect,
    AccessLogSettings: noEffect,
    Tags: noEffect,
  }),
  (_, { StageName }) => ({ physicalId: StageName }),
)

/** AWS::ApiGatewayV2::Integration: a Lambda function, payload format 2.0. */
export const integration = resourceType(
  z.strictObject({
    ApiId: z.string(),
    IntegrationType: z.literal('AWS_PROXY'),
    IntegrationUri: z.string(),
    PayloadFormatVersion: z.literal('2.0'),
    TimeoutInMillis: z._default(wholeNumber, 30_000),
    IntegrationMethod: noEffect,
    Description: noEffect,
  }),
  (logicalId, { ApiId, IntegrationUri, TimeoutInMillis }, world) => {
    const id = idOf(`${ApiId}/${logicalId}`, 7).toLowerCase()
    // An ARN, or API Gateway's own form around it: `arn:aws:apigateway:…:lambda:path/2015-03-31/functions/<arn>/invocations`.
    const functionName =
      IntegrationUri.replace(/\/invocations$/, '')
        .split(':')
        .at(-1) ?? ''
    apiOf(world, logicalId, ApiId).integrations.set(id, {
      functionName,
      timeoutMilliseconds: TimeoutInMillis,
    })
    return { physicalId: id }
  },
)

/** AWS::ApiGatewayV2::Route. */
export const route = resourceType(
  z.strictObject({
    ApiId: z.string(),
    RouteKey: z.string(),
    Target: z.string(),
    AuthorizationType: z.optional(z.literal('NONE')),
    OperationName: optionalText,
  }),
  (logicalId, { ApiId, RouteKey, Target }, world) => {
    const { routes, integrations } = apiOf(world, logicalId, ApiId)
    const target = integrations.get(Target.replace(/^integrations\//, ''))
    if (target === undefined)
      throw new TemplateError(`Resources.${logicalId}: there is no integration ${Target}`)
    routes.push({ key: RouteKey, ...target })
    return { physicalId: idOf(`${ApiId}/${RouteKey}`, 7).toLowerCase() }
  },
)

function apiOf(world: World, logicalId: string, id: string): ApiParts {
  const found = world.apis.get(id)
  if (found === undefined) throw new TemplateError(`Resources.${logicalId}: there is no API ${id}`)
  return found
}
