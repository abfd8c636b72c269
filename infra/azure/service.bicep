// The service: replicas behind HTTPS, with automatic scaling and alerts. Deploy foundation.bicep first.

@description('An environment of infra/config/environments.json')
param environmentName string

@description('The Azure region')
param location string = resourceGroup().location

@description('The tag of the image in the registry')
@minLength(1)
param imageTag string

@description('An existing subnet, instead of a new network: /27 or larger, delegated to Microsoft.App/environments')
param infrastructureSubnetId string = ''

@description('A custom domain name, in addition to that of Azure; requires certificateId')
param customDomain string = ''

@description('The id of a certificate of the Container Apps environment for customDomain')
param certificateId string = ''

@description('Whether the vault contains a key of the Azure ML endpoint; otherwise the service uses its identity')
param useModelKey bool = false

@description('Whether to keep scores and outcomes, in a database of this deployment; requires a new network, and its secrets in the vault')
param useLedger bool = false

var names = loadJsonContent('names.json')
var size = loadJsonContent('../config/environments.json')[environmentName]
var suffix = uniqueString(resourceGroup().id)
var tags = {
  service: names.service
  environment: environmentName
}
var port = size.settings.PORT
// Bicep only supports integers; a number such as 0.5 is parsed from JSON.
var processors = '${size.cpu_millicores / 1000}.${padLeft(string(size.cpu_millicores % 1000), 3, '0')}'
var memory = '${size.memory_mib / 1024}${((size.memory_mib % 1024) == 0) ? '' : '.5'}Gi'
var remote = (size.settings.?MODEL_ENDPOINT_PROVIDER ?? 'local') == 'azure'

var settings = [for setting in items(size.settings): {
  name: setting.key
  value: string(setting.value)
}]
var ownSettings = [
  {
    name: 'LOG_LEVEL'
    value: size.log_level
  }
  {
    name: 'API_KEYS'
    secretRef: names.apiKeys
  }
]
// The app must select its managed identity by id; only a remote model needs it.
var callerSettings = !remote ? [] : (useModelKey ? [
  {
    name: 'AZURE_ML_API_KEY'
    secretRef: names.modelKey
  }
] : [
  {
    name: 'AZURE_CLIENT_ID'
    value: identity.properties.clientId
  }
])
// The tape and the file of the secret have folders of their own: the first is on the disk of the replica.
var ledgerSettings = !useLedger ? [] : [
  {
    name: 'LEDGER'
    value: 'postgresql://${names.ledgerDatabase}@${ledger.outputs.host}:5432/${names.ledgerDatabase}?sslmode=require'
  }
  {
    name: 'PGPASSWORD'
    secretRef: names.ledgerPassword
  }
  {
    name: 'LEDGER_KEY_FILE'
    value: '/ledger/ledger.key'
  }
  {
    name: 'LEDGER_TAPE_PATH'
    value: '/data/tape'
  }
]
var volumes = !useLedger ? [] : [
  {
    name: 'data'
    storageType: 'EmptyDir'
  }
  {
    name: 'ledger'
    storageType: 'Secret'
    secrets: [
      {
        secretRef: names.ledgerKey
        path: 'ledger.key'
      }
    ]
  }
]
var mounts = !useLedger ? [] : [
  {
    volumeName: 'data'
    mountPath: '/data'
  }
  {
    volumeName: 'ledger'
    mountPath: '/ledger'
  }
]
var secretNames = concat(
  [names.apiKeys],
  (remote && useModelKey) ? [names.modelKey] : [],
  useLedger ? [names.ledgerPassword, names.ledgerKey] : []
)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.identity
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: '${names.registryPrefix}${suffix}'
}

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' existing = {
  name: '${names.vaultPrefix}${suffix}'
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: names.workspace
}

module network 'network.bicep' = if (empty(infrastructureSubnetId)) {
  name: 'network'
  params: {
    location: location
    tags: tags
  }
}

module ledger 'ledger.bicep' = if (useLedger) {
  name: 'ledger'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    networkId: network.outputs.networkId
    subnetId: network.outputs.ledgerSubnetId
    password: vault.getSecret(names.ledgerPassword)
  }
}

resource environment 'Microsoft.App/managedEnvironments@2026-07-01' = {
  name: names.environment
  location: location
  tags: tags
  properties: {
    zoneRedundant: size.azure.zone_redundant
    vnetConfiguration: {
      infrastructureSubnetId: empty(infrastructureSubnetId) ? network.outputs.subnetId : infrastructureSubnetId
      internal: false
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: workspace.properties.customerId
        sharedKey: workspace.listKeys().primarySharedKey
      }
    }
  }
}

resource app 'Microsoft.App/containerApps@2026-07-01' = {
  name: names.app
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      // A new revision gets requests once it is ready; until then the old one keeps them.
      activeRevisionsMode: 'Single'
      maxInactiveRevisions: 10
      ingress: {
        external: true
        allowInsecure: false
        targetPort: port
        transport: 'http'
        traffic: [
          {
            latestRevision: true
            weight: 100
          }
        ]
        customDomains: empty(customDomain) ? [] : [
          {
            name: customDomain
            certificateId: certificateId
            bindingType: 'SniEnabled'
          }
        ]
      }
      registries: [
        {
          server: registry.properties.loginServer
          identity: identity.id
        }
      ]
      // Without a version, so that a new value of the secret reaches the replicas within half an hour.
      secrets: [for secret in secretNames: {
        name: secret
        keyVaultUrl: '${vault.properties.vaultUri}secrets/${secret}'
        identity: identity.id
      }]
    }
    template: {
      terminationGracePeriodSeconds: size.ending.stop_seconds
      volumes: volumes
      containers: [
        {
          name: names.container
          image: '${registry.properties.loginServer}/${names.repository}:${imageTag}'
          env: concat(settings, ownSettings, callerSettings, ledgerSettings)
          volumeMounts: mounts
          resources: {
            cpu: json(processors)
            memory: memory
          }
          probes: [
            {
              // Ten checks within start_seconds, so that a replica that starts faster is ready sooner.
              type: 'Startup'
              httpGet: {
                path: size.probe.live_path
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: (size.probe.start_seconds + 9) / 10
              timeoutSeconds: size.probe.timeout_seconds
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: size.probe.live_path
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: size.probe.interval_seconds
              timeoutSeconds: size.probe.timeout_seconds
              failureThreshold: size.probe.unhealthy_count
            }
            {
              type: 'Readiness'
              httpGet: {
                path: size.probe.ready_path
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: size.probe.interval_seconds
              timeoutSeconds: size.probe.timeout_seconds
              successThreshold: size.probe.healthy_count
              failureThreshold: size.probe.unhealthy_count
            }
          ]
        }
      ]
      scale: {
        minReplicas: size.min_replicas
        maxReplicas: size.max_replicas
        pollingInterval: size.scaling.out_seconds
        cooldownPeriod: size.scaling.in_seconds
        rules: [
          {
            name: 'requests'
            http: {
              metadata: {
                concurrentRequests: string(size.scaling.concurrent_requests)
              }
            }
          }
          {
            name: 'processors'
            custom: {
              type: 'cpu'
              metadata: {
                type: 'Utilization'
                value: string(size.scaling.cpu_percent)
              }
            }
          }
        ]
      }
    }
  }
}

resource measured 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'metrics'
  properties: {
    workspaceId: workspace.id
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    appId: app.id
    workspaceId: workspace.id
  }
}

output address string = 'https://${app.properties.configuration.ingress.fqdn}'
