"""The firewall (WAF) of the load balancer, for environments that enable it."""

from typing import Any

from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.environments import Environment

MANAGED = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesKnownBadInputsRuleSet": (),
    # A batch of leads is larger than the 8 KB that this rule allows, and the service limits bodies by MAX_BODY_BYTES.
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",),
}
"""Managed rule groups of AWS, each with the rules that only count."""


def firewall(scope: Construct, environment: Environment, balancer: elb.ApplicationLoadBalancer) -> None:
    """Blocks addresses with a bad reputation, known attacks, and clients over the request limit."""
    acl = waf.CfnWebACL(
        scope,
        "Firewall",
        default_action={"allow": {}},
        scope="REGIONAL",
        visibility_config=seen("Firewall"),
        rules=[
            waf.CfnWebACL.RuleProperty(
                name="TooManyRequests",
                priority=0,
                action={"block": {}},
                statement={
                    "rateBasedStatement": {"aggregateKeyType": "IP", "limit": environment.aws.firewall_requests}
                },
                visibility_config=seen("TooManyRequests"),
            ),
            *(managed(priority, name, MANAGED[name]) for priority, name in enumerate(MANAGED, 1)),
        ],
    )
    waf.CfnWebACLAssociation(
        scope, "FirewallOfBalancer", resource_arn=balancer.load_balancer_arn, web_acl_arn=acl.attr_arn
    )


def managed(priority: int, name: str, counted: tuple[str, ...]) -> waf.CfnWebACL.RuleProperty:
    """Returns a managed rule group of AWS."""
    overrides = [{"name": rule, "actionToUse": {"count": {}}} for rule in counted]
    group: dict[str, Any] = {"vendorName": "AWS", "name": name}
    if overrides:
        group["ruleActionOverrides"] = overrides
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action={"none": {}},
        statement={"managedRuleGroupStatement": group},
        visibility_config=seen(name),
    )


def seen(name: str) -> dict[str, Any]:
    """Returns the metrics configuration of a rule."""
    return {"cloudWatchMetricsEnabled": True, "metricName": name, "sampledRequestsEnabled": False}
