// The network of the Container Apps environment: one subnet, which Azure needs in order to spread replicas over zones.

@description('Where: a region of Azure')
param location string

@description('What the network is marked with')
param tags object

var names = loadJsonContent('names.json')

// The subnet stands inside: a network that is written without its subnets would be asked to drop them.
resource network 'Microsoft.Network/virtualNetworks@2026-03-01' = {
  name: names.network
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.20.0.0/22'
      ]
    }
    subnets: [
      {
        name: names.subnet
        properties: {
          addressPrefix: '10.20.0.0/23'
          delegations: [
            {
              name: 'environments'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
    ]
  }
}

output subnetId string = '${network.id}/subnets/${names.subnet}'
