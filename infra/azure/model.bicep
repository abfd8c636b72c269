// The model on an Azure ML online endpoint, for services with MODEL_ENDPOINT_PROVIDER=azure: the service's image as the
// container, with the model in the image. Deploy foundation.bicep first.

@description('An environment of infra/config/environments.json')
param environmentName string

@description('The Azure region')
param location string = resourceGroup().location

@description('The tag of the image in the registry')
@minLength(1)
param imageTag string

@description('The name of the endpoint, unique in the region')
@minLength(3)
@maxLength(32)
param endpointName string = 'lead-scoring-endpoint'

@description('Whether the deployment exists and gets the traffic; false for the first deployment, which creates it')
param deployed bool = false

var names = loadJsonContent('names.json')
var roles = loadJsonContent('roles.json')
var size = loadJsonContent('../config/environments.json')[environmentName]
var machines = size.azure.model_endpoint
var limits = size.alarms
var group = resourceGroup().id
var suffix = uniqueString(group)
var tags = {
  service: names.service
  environment: environmentName
}
var port = 8080
// Azure counts failed calls per minute, and the file has those of five minutes.
var failuresOfMinute = '${limits.model_failures / 5}.${(limits.model_failures % 5) * 2}'

resource identityOfService 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.identity
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: '${names.registryPrefix}${suffix}'
}

resource lines 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: names.workspace
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = {
  name: names.actionGroup
}

// Required by a workspace of Azure ML; it contains nothing of the service.
resource storage 'Microsoft.Storage/storageAccounts@2026-09-01' = {
  name: '${names.mlStoragePrefix}${suffix}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    allowBlobPublicAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' = {
  name: '${names.mlVaultPrefix}${suffix}'
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: names.mlInsights
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: lines.id
  }
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2023-04-01' = {
  name: names.mlWorkspace
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    friendlyName: 'Lead scoring'
    storageAccount: storage.id
    keyVault: vault.id
    applicationInsights: insights.id
    containerRegistry: registry.id
    publicNetworkAccess: 'Enabled'
  }
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.mlIdentity
  location: location
  tags: tags
}

resource mayPull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, identity.id, roles.acrPull)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// Azure ML only starts a deployment whose identity may read the workspace's storage.
resource mayRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, identity.id, roles.storageBlobDataReader)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataReader)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource environments 'Microsoft.MachineLearningServices/workspaces/environments@2023-04-01' = {
  parent: workspace
  name: names.mlEnvironment
  properties: {
    description: 'The image of the service'
  }
}

resource environment 'Microsoft.MachineLearningServices/workspaces/environments/versions@2023-04-01' = {
  parent: environments
  name: imageTag
  properties: {
    image: '${registry.properties.loginServer}/${names.repository}:${imageTag}'
    osType: 'Linux'
    inferenceConfig: {
      livenessRoute: {
        path: size.probe.live_path
        port: port
      }
      readinessRoute: {
        path: '/ping'
        port: port
      }
      scoringRoute: {
        path: '/invocations'
        port: port
      }
    }
  }
}

resource endpoint 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints@2023-04-01' = {
  parent: workspace
  name: endpointName
  location: location
  tags: tags
  kind: 'Managed'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    description: 'How likely each lead is to convert'
    authMode: 'AADToken'
    publicNetworkAccess: 'Enabled'
    traffic: deployed ? {
      '${names.deployment}': 100
    } : {}
  }
  dependsOn: [
    mayPull
    mayRead
  ]
}

resource deployment 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments@2023-04-01' = {
  parent: endpoint
  name: names.deployment
  location: location
  tags: tags
  kind: 'Managed'
  sku: {
    name: 'Default'
    capacity: machines.min_instances
  }
  properties: {
    endpointComputeType: 'Managed'
    description: 'The model of the image ${imageTag}'
    environmentId: environment.id
    environmentVariables: {
      ENDPOINT_PROTOCOLS: 'sagemaker'
      PORT: string(port)
      WORKERS: string(machines.workers)
    }
    instanceType: machines.instance_type
    egressPublicNetworkAccess: 'Enabled'
    appInsightsEnabled: false
    requestSettings: {
      maxConcurrentRequestsPerInstance: machines.concurrent_requests
      requestTimeout: 'PT5S'
      maxQueueWait: 'PT0.5S'
    }
    livenessProbe: {
      initialDelay: 'PT${size.probe.start_seconds}S'
      period: 'PT${size.probe.interval_seconds}S'
      timeout: 'PT${size.probe.timeout_seconds}S'
      successThreshold: 1
      failureThreshold: size.probe.unhealthy_count
    }
    readinessProbe: {
      initialDelay: 'PT5S'
      period: 'PT${size.probe.interval_seconds}S'
      timeout: 'PT${size.probe.timeout_seconds}S'
      successThreshold: 1
      failureThreshold: 30
    }
    scaleSettings: {
      scaleType: 'Default'
    }
  }
}

resource instances 'Microsoft.Insights/autoscaleSettings@2022-10-01' = {
  name: '${endpointName}-${names.deployment}'
  location: location
  tags: tags
  properties: {
    enabled: true
    targetResourceUri: deployment.id
    profiles: [
      {
        name: 'processors'
        capacity: {
          minimum: string(machines.min_instances)
          maximum: string(machines.max_instances)
          default: string(machines.min_instances)
        }
        rules: [for step in [
          {
            direction: 'Increase'
            operator: 'GreaterThan'
            percent: size.scaling.cpu_percent
            seconds: size.scaling.out_seconds
          }
          {
            direction: 'Decrease'
            operator: 'LessThan'
            percent: size.scaling.cpu_percent / 2
            seconds: size.scaling.in_seconds
          }
        ]: {
          metricTrigger: {
            metricName: 'CpuUtilizationPercentage'
            metricResourceUri: deployment.id
            timeGrain: 'PT1M'
            timeWindow: 'PT5M'
            statistic: 'Average'
            timeAggregation: 'Average'
            operator: step.operator
            threshold: step.percent
          }
          scaleAction: {
            direction: step.direction
            type: 'ChangeCount'
            value: '1'
            cooldown: 'PT${max(60, step.seconds)}S'
          }
        }]
      }
    ]
  }
}

// The service may only call this endpoint.
resource caller 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(group, 'caller of the model endpoint')
  properties: {
    roleName: 'Lead scoring: caller of the model endpoint (${suffix})'
    description: 'Scores with an online endpoint'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action'
        ]
      }
    ]
    assignableScopes: [
      group
    ]
  }
}

resource mayScore 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: endpoint
  name: guid(endpoint.id, identityOfService.id, caller.id)
  properties: {
    roleDefinitionId: caller.id
    principalId: identityOfService.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [for alert in [
  {
    symptom: 'ModelEndpointFailing'
    meaning: 'The model endpoint fails.'
    metric: 'RequestsPerMinute'
    threshold: json(failuresOfMinute)
    dimensions: [
      {
        name: 'statusCodeClass'
        operator: 'Include'
        values: [
          '5xx'
        ]
      }
    ]
  }
  {
    symptom: 'ModelSlow'
    meaning: 'The model is slow.'
    metric: 'RequestLatency_P95'
    threshold: limits.model_latency_ms
    dimensions: []
  }
]: {
  name: '${names.service}-${alert.symptom}'
  location: 'global'
  tags: tags
  properties: {
    description: '${alert.meaning} See docs/OPERATIONS.md.'
    severity: 2
    enabled: true
    scopes: [
      endpoint.id
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: alert.symptom
          metricNamespace: 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints'
          metricName: alert.metric
          dimensions: alert.dimensions
          timeAggregation: 'Average'
          operator: 'GreaterThan'
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

output scoringUri string = endpoint.properties.scoringUri
