"""The databases and brokers that a project needs beside it."""

from __future__ import annotations

from service.projects.folder import Folder

# Drivers by the service they speak to; a driver that speaks to several (an ORM) says nothing.
_NODE = {
    "pg": "postgres", "postgres": "postgres", "pg-promise": "postgres", "@neondatabase/serverless": "postgres",
    "mysql": "mysql", "mysql2": "mysql", "mariadb": "mariadb", "mongodb": "mongo", "mongoose": "mongo",
    "@nestjs/mongoose": "mongo", "redis": "redis", "ioredis": "redis", "bull": "redis", "bullmq": "redis",
    "connect-redis": "redis", "amqplib": "rabbitmq", "@elastic/elasticsearch": "elasticsearch", "kafkajs": "kafka",
    "memcached": "memcached", "mssql": "mssql", "nats": "nats",
}  # fmt: skip
_PYTHON = {
    "psycopg": "postgres", "psycopg2": "postgres", "psycopg2-binary": "postgres", "psycopg-binary": "postgres",
    "asyncpg": "postgres", "pg8000": "postgres", "mysqlclient": "mysql", "pymysql": "mysql", "aiomysql": "mysql",
    "mysql-connector-python": "mysql", "pymongo": "mongo", "motor": "mongo", "mongoengine": "mongo",
    "flask-pymongo": "mongo", "beanie": "mongo", "djongo": "mongo", "redis": "redis", "django-redis": "redis",
    "aioredis": "redis", "channels-redis": "redis", "rq": "redis", "arq": "redis", "pika": "rabbitmq",
    "aio-pika": "rabbitmq", "elasticsearch": "elasticsearch", "pymemcache": "memcached", "kafka-python": "kafka",
    "aiokafka": "kafka", "confluent-kafka": "kafka",
}  # fmt: skip


def backing_services(folder: Folder) -> tuple[str, ...]:
    """The services that drivers among the dependencies and images of the compose file name, sorted."""
    found = {service.backing for service in folder.compose if service.backing}
    if folder.package:
        found |= {service for driver, service in _NODE.items() if driver in folder.package.runtime}
    found |= {_PYTHON[driver] for driver in folder.python.dependencies if driver in _PYTHON}
    return tuple(sorted(found))
