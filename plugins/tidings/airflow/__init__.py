"""Airflow: Dags from YAML, tasks that call the verbs, and Airflow itself on a laptop. Nothing else imports airflow."""
