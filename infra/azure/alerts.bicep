// The alerts for the symptoms of docs/OPERATIONS.md, from metrics and from the log.

@description('An environment of infra/config/environments.json')
param environmentName string

@description('The Azure region')
param location string

@description('The tags of the alerts')
param tags object

@description('The id of the container app')
param appId string

@description('The id of the workspace with its log')
param workspaceId string

var names = loadJsonContent('names.json')
var size = loadJsonContent('../config/environments.json')[environmentName]
var limits = size.alarms
var remote = (size.settings.?MODEL_ENDPOINT_PROVIDER ?? 'local') == 'azure'
// With WARNING, successful requests are not logged, so the log has no shares and percentiles.
var requestsLogged = size.log_level != 'WARNING'

// Minutes that Azure supports: it only evaluates these windows, so the next longer one.
func metricWindow(m int) string => m <= 1 ? 'PT1M' : (m <= 5 ? 'PT5M' : (m <= 15 ? 'PT15M' : (m <= 30 ? 'PT30M' : 'PT1H')))

// The same for queries, and at least five minutes, since log lines arrive with a delay.
func logWindow(m int) string => m <= 5 ? 'PT5M' : (m <= 10 ? 'PT10M' : (m <= 15 ? 'PT15M' : (m <= 30 ? 'PT30M' : 'PT1H')))

var onMetrics = [
  {
    symptom: 'ServerErrors'
    meaning: 'Requests end with a status of 500 or more, those that found no replica among them.'
    severity: 1
    metric: 'Requests'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: size.azure.failed_requests
    minutes: 5
    dimensions: [
      {
        name: 'statusCodeCategory'
        operator: 'Include'
        values: [
          '5xx'
        ]
      }
    ]
  }
  {
    symptom: 'SlowAnswers'
    meaning: 'The mean answer takes longer than ${limits.latency_ms} ms.'
    severity: 2
    metric: 'ResponseTime'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: limits.latency_ms
    minutes: limits.latency_minutes
    dimensions: []
  }
  {
    symptom: 'TooFewReplicas'
    meaning: 'Fewer than ${size.min_replicas} replicas run.'
    severity: 2
    metric: 'Replicas'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: size.min_replicas
    minutes: limits.missing_minutes
    dimensions: []
  }
  {
    symptom: 'Restarts'
    meaning: 'A replica has been restarted more than ${size.azure.restarts} times.'
    severity: 2
    metric: 'RestartCount'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: size.azure.restarts
    minutes: 15
    dimensions: []
  }
  {
    symptom: 'HighCpu'
    meaning: 'Replicas are short of processors.'
    severity: 2
    metric: 'UsageNanoCores'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: (size.cpu_millicores * 10000) * limits.cpu_percent
    minutes: limits.resource_minutes
    dimensions: []
  }
  {
    symptom: 'HighMemory'
    meaning: 'Replicas are short of memory.'
    severity: 2
    metric: 'WorkingSetBytes'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: ((size.memory_mib * 1048576) / 100) * limits.memory_percent
    minutes: limits.resource_minutes
    dimensions: []
  }
]

// The log lines of the service, which are JSON, without health checks, which are not requests of clients.
var lines = join([
  names.logTable
  '| where ContainerAppName_s == "${names.app}" and ContainerName_s == "${names.container}"'
  '| extend line = parse_json(Log_s)'
], '\n')
var answers = '| where tostring(line.event) == "request"'
var clients = '${answers} and tostring(line.path) !startswith "/health"'
var share = '| extend found = iff(total == 0, 0.0, (100.0 * some) / total)'

var onRequests = [
  {
    symptom: 'HighErrorRate'
    meaning: 'More than ${limits.error_percent} % of requests fail.'
    severity: 1
    query: join([
      lines
      clients
      '| summarize some = countif(toint(line.status) >= 500), total = count()'
      share
    ], '\n')
    operator: 'GreaterThan'
    threshold: limits.error_percent
    minutes: limits.error_minutes
  }
  {
    symptom: 'HighLatency'
    meaning: 'One request in twenty takes longer than ${limits.latency_ms} ms.'
    severity: 2
    query: join([
      lines
      clients
      '| summarize found = coalesce(percentile(todouble(line.duration_ms), 95), 0.0)'
    ], '\n')
    operator: 'GreaterThan'
    threshold: limits.latency_ms
    minutes: limits.latency_minutes
  }
  {
    symptom: 'RequestsRefused'
    meaning: 'Most requests get a status of 4xx: a wrong key, or leads of another contract.'
    severity: 3
    query: join([
      lines
      clients
      '| summarize some = countif(toint(line.status) between (400 .. 499)), total = count()'
      share
    ], '\n')
    operator: 'GreaterThan'
    threshold: limits.refused_percent
    minutes: limits.refused_minutes
  }
  {
    // Every replica gets readiness checks all the time, and logs them.
    symptom: 'ServiceDown'
    meaning: 'No replica is ready.'
    severity: 0
    query: join([
      lines
      answers
      '| where tostring(line.path) == "${size.probe.ready_path}" and toint(line.status) == 200'
      '| summarize found = dcount(ContainerGroupName_s)'
    ], '\n')
    operator: 'LessThan'
    threshold: 1
    minutes: limits.down_minutes
  }
]
var onErrors = [
  {
    symptom: 'ErrorsLogged'
    meaning: 'The service logs errors.'
    severity: 2
    query: join([
      lines
      '| where tostring(line.level) == "ERROR"'
      '| summarize found = count()'
    ], '\n')
    operator: 'GreaterThan'
    threshold: limits.log_errors
    minutes: 5
  }
]
var onModel = [
  {
    symptom: 'ModelEndpointFailure'
    meaning: 'The model endpoint does not score.'
    severity: 1
    query: join([
      lines
      '| where tostring(line.error) startswith "Endpoint"'
      '| summarize found = count()'
    ], '\n')
    operator: 'GreaterThan'
    threshold: limits.model_failures
    minutes: 5
  }
]
var onLines = concat(requestsLogged ? onRequests : [], onErrors, remote ? onModel : [])

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = {
  name: names.actionGroup
}

resource metricAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [for alert in onMetrics: {
  name: '${names.service}-${alert.symptom}'
  location: 'global'
  tags: tags
  properties: {
    description: '${alert.meaning} See docs/OPERATIONS.md.'
    severity: alert.severity
    enabled: true
    scopes: [
      appId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: metricWindow(alert.minutes)
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: alert.symptom
          metricNamespace: 'Microsoft.App/containerApps'
          metricName: alert.metric
          dimensions: alert.dimensions
          timeAggregation: alert.aggregation
          operator: alert.operator
          threshold: alert.threshold
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroup.id
      }
    ]
  }
}]

// Not validated: Azure creates the table with the first log line, after the first deployment.
resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in onLines: {
  name: '${names.service}-${alert.symptom}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: '${names.service}-${alert.symptom}'
    description: '${alert.meaning} See docs/OPERATIONS.md.'
    severity: alert.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: logWindow(alert.minutes)
    autoMitigate: true
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: alert.query
          metricMeasureColumn: 'found'
          timeAggregation: 'Maximum'
          operator: alert.operator
          threshold: alert.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        actionGroup.id
      ]
    }
  }
}]
